"""From a song to MIDI: the notes of an excerpt, and their MIDI file."""

import io
from dataclasses import dataclass

import numpy as np
import pretty_midi

from .players import PLAYER_CLASSES, Bar, Note
from .songs import Song

__all__ = ["Performance", "perform"]

_PANNING = {"kit": 64, "bass": 64, "comp": 28, "colour": 100, "pad": 64, "lead": 70, "solo": 58}
_RESOLUTION = 480
_PHRASE_BARS = 2
# Probability that a role rests for a phrase, and range of the loudness in one.
_REST = 0.22
_LOUDNESS = (0.6, 1.1)


@dataclass(frozen=True)
class Performance:
    """The notes of a song's excerpt.

    Attributes
    ----------
    song : Song
        The song.
    notes : dict
        Notes by role; their times are in beats.
    lead_in : float
        Seconds of music before the excerpt, back to the beginning of a bar.
    seconds : float
        Length of the excerpt.
    """

    song: Song
    notes: dict[str, list[Note]]
    lead_in: float
    seconds: float

    def beats(self) -> np.ndarray:
        """Return the times of the beats in seconds from the excerpt's beginning [shape=(n,)]."""
        period = 60 / self.song.tempo
        return np.arange(0, self.lead_in + self.seconds, period) - self.lead_in

    def midi(self) -> bytes:
        """Return the performance as the bytes of a MIDI file."""
        period = 60 / self.song.tempo
        end = self.lead_in + self.seconds
        file = pretty_midi.PrettyMIDI(resolution=_RESOLUTION, initial_tempo=self.song.tempo)
        for role, notes in self.notes.items():
            instrument = _instrument(role, self.song)
            for start, length, pitch, velocity in notes:
                if start * period < end:
                    instrument.notes.append(
                        pretty_midi.Note(
                            velocity=int(np.clip(velocity, 1, 127)),
                            pitch=pitch,
                            start=max(0.0, start * period),
                            end=max(0.0, start * period) + max(0.03, length * period),
                        )
                    )
            # The renderer stops at the last event, so one is placed after the end.
            instrument.control_changes.append(pretty_midi.ControlChange(64, 0, end + 0.25))
            file.instruments.append(instrument)
        stream = io.BytesIO()
        file.write(stream)
        return stream.getvalue()


def perform(song: Song, *, seconds: float) -> Performance:
    """Play a song from the beginning of its excerpt.

    Parameters
    ----------
    song : Song
        The song.
    seconds : float
        Length of the excerpt. A longer performance begins like a shorter one.

    Returns
    -------
    Performance
        The notes by role.
    """
    artist = song.artist
    players = {
        role: player(song, song.random_generator(number))
        for number, (role, player) in enumerate(PLAYER_CLASSES.items())
        if _program(role, song) is not None
    }
    timing_rngs = {role: song.random_generator(10 + n) for n, role in enumerate(players)}
    arrangement_rng = song.random_generator(9)
    notes: dict[str, list[Note]] = {role: [] for role in players}
    bars = [(section, i) for section in song.sections for i in range(section.bars)]
    first, fraction = divmod(song.start, 1)
    period = 60 / song.tempo
    lead_in = fraction * artist.beats * period
    count = int(np.ceil((lead_in + seconds) / (artist.beats * period)))
    for number in range(count):
        section, index = bars[(int(first) + number) % len(bars)]
        if number == 0 or index % _PHRASE_BARS == 0:
            playing = _arrange([role for role in section.roles if role in players], arrangement_rng)
        bar = Bar(song, section, index, start=number * artist.beats)
        for role, loudness in playing.items():
            for note in players[role].play(bar):
                delay = timing_rngs[role].normal(0, artist.looseness) / period
                played = note._replace(start=note.start + delay, velocity=note.velocity * loudness)
                notes[role].append(played)
    return Performance(song, notes, lead_in, seconds)


def _arrange(roles: list[str], rng: np.random.Generator) -> dict[str, float]:
    """Choose the roles that play in the next phrase, and their loudness."""
    loudness = {role: rng.uniform(*_LOUDNESS) for role in roles}
    playing = {role: level for role, level in loudness.items() if rng.random() > _REST}
    # A role plays alone only in a section that has no other.
    return playing if len(playing) > 1 else loudness


def _program(role: str, song: Song) -> int | None:
    return getattr(song.artist.band, role)


def _instrument(role: str, song: Song) -> pretty_midi.Instrument:
    instrument = pretty_midi.Instrument(_program(role, song), is_drum=role == "kit", name=role)
    level = song.artist.levels["lead" if role == "solo" else role]
    # Reverberation is added in `studio`, so the renderer's reverb and chorus are off.
    for control, value in ((7, level), (10, _PANNING[role]), (91, 0), (93, 0)):
        instrument.control_changes.append(pretty_midi.ControlChange(control, value, 0.0))
    return instrument
