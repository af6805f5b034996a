"""Composed music: a collection of any size that needs no download.

What each module does, in the order in which a track is made:

=============== ==============================================================
`theory`        scales and chords
`idioms`        the musical style of each genre, as tables
`names`         invented names of artists and songs
`artists`       a style that all tracks of an artist share
`songs`         form, chords and melodic ideas of one track
`players`       the instruments of a band: turn bars into notes
`performance`   the notes of one excerpt, and their MIDI file
`studio`        from notes to sound: sound font and production effects
`recordings`    the bytes of its file, with or without a fault
`faults`        the planted faults, and the tracks that have them
`settings`      the arguments, checked
`build`         writes the corpus into a folder
=============== ==============================================================
"""

from .build import arguments_of, compose
from .settings import PLANTED_FAULTS

__all__ = ["PLANTED_FAULTS", "arguments_of", "compose"]
