"""A music collection of any size that needs no download: composed, not recorded.

The way of a track through the rooms of this house:

=============== ==============================================================
`theory`        scales and chords
`idioms`        what each genre sounds like, as tables
`names`         invented names
`artists`       a style that all tracks of an artist share
`songs`         form, chords, melodic ideas of one track
`players`       the band, who turn bars into notes
`performance`   the notes of one excerpt, and their MIDI file
`studio`        the sound font, and what a producer does to its sound
`recordings`    the bytes of its file, sound or spoilt
`faults`        what goes wrong, with which tracks
`settings`      the arguments, checked
`build`         all of it into a folder, whole and once
=============== ==============================================================
"""

from .build import arguments_of, compose
from .settings import FAULTS

__all__ = ["FAULTS", "arguments_of", "compose"]
