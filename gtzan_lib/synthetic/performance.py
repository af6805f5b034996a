"""From a song to MIDI: the band plays, and somebody writes down the notes."""

import io
from dataclasses import dataclass

import numpy as np
import pretty_midi

from .players import PLAYERS, Bar, Note
from .songs import Song

__all__ = ["Performance", "perform"]

_PANNING = {"kit": 64, "bass": 64, "comp": 28, "colour": 100, "pad": 64, "lead": 70, "solo": 58}
_RESOLUTION = 480
_PHRASE_BARS = 2
_REST = 0.22
_DYNAMICS = (0.6, 1.1)


@dataclass(frozen=True)
class Performance:
    """A song as it was played.

    Attributes
    ----------
    song : Song
        The song.
    notes : dict
        Role to notes; their times are in beats.
    lead_in : float
        Seconds played before the excerpt begins.
    seconds : float
        Length of the excerpt.
    """

    song: Song
    notes: dict[str, list[Note]]
    lead_in: float
    seconds: float

    def beats(self) -> np.ndarray:
        """Give the times of the beats in seconds of the excerpt [shape=(n,)]."""
        period = 60 / self.song.tempo
        return np.arange(0, self.lead_in + self.seconds, period) - self.lead_in

    def midi(self) -> bytes:
        """Write the performance down as a MIDI file's bytes."""
        period = 60 / self.song.tempo
        end = self.lead_in + self.seconds
        sheet = pretty_midi.PrettyMIDI(resolution=_RESOLUTION, initial_tempo=self.song.tempo)
        for role, notes in self.notes.items():
            part = _part(role, self.song)
            for start, length, pitch, velocity in notes:
                if start * period < end:
                    part.notes.append(
                        pretty_midi.Note(
                            velocity=int(np.clip(velocity, 1, 127)),
                            pitch=pitch,
                            start=max(0.0, start * period),
                            end=max(0.0, start * period) + max(0.03, length * period),
                        )
                    )
            # The renderer stops at the last event, however early that is.
            part.control_changes.append(pretty_midi.ControlChange(64, 0, end + 0.25))
            sheet.instruments.append(part)
        stream = io.BytesIO()
        sheet.write(stream)
        return stream.getvalue()


def perform(song: Song, *, seconds: float) -> Performance:
    """Play a song from the place where its excerpt begins.

    Parameters
    ----------
    song : Song
        What to play.
    seconds : float
        For how long. A longer performance begins like a shorter one.

    Returns
    -------
    Performance
        The notes by role.
    """
    artist = song.artist
    players = {
        role: player(song, song.random_generator(number))
        for number, (role, player) in enumerate(PLAYERS.items())
        if _program(role, song) is not None
    }
    timing = {role: song.random_generator(10 + n) for n, role in enumerate(players)}
    leader = song.random_generator(9)
    notes: dict[str, list[Note]] = {role: [] for role in players}
    bars = [(section, i) for section in song.sections for i in range(section.bars)]
    first, within = divmod(song.start, 1)
    period = 60 / song.tempo
    lead_in = within * artist.beats * period
    count = int(np.ceil((lead_in + seconds) / (artist.beats * period)))
    for number in range(count):
        section, index = bars[(int(first) + number) % len(bars)]
        if number == 0 or index % _PHRASE_BARS == 0:
            playing = _arrange([role for role in section.roles if role in players], leader)
        bar = Bar(song, section, index, start=number * artist.beats)
        for role, loudness in playing.items():
            for note in players[role].play(bar):
                late = timing[role].normal(0, artist.looseness) / period
                played = note._replace(start=note.start + late, velocity=note.velocity * loudness)
                notes[role].append(played)
    return Performance(song, notes, lead_in, seconds)


def _arrange(roles: list[str], rng: np.random.Generator) -> dict[str, float]:
    """Decide who plays in the next phrase, and how loud: a band breathes."""
    loudness = {role: rng.uniform(*_DYNAMICS) for role in roles}
    playing = {role: loud for role, loud in loudness.items() if rng.random() > _REST}
    # One player alone is a solo only where nobody else belongs to the section.
    return playing if len(playing) > 1 else loudness


def _program(role: str, song: Song) -> int | None:
    return getattr(song.artist.band, role)


def _part(role: str, song: Song) -> pretty_midi.Instrument:
    part = pretty_midi.Instrument(_program(role, song), is_drum=role == "kit", name=role)
    level = song.artist.levels["lead" if role == "solo" else role]
    # The room is the studio's business, so the renderer's own reverb stays off.
    for control, value in ((7, level), (10, _PANNING[role]), (91, 0), (93, 0)):
        part.control_changes.append(pretty_midi.ControlChange(control, value, 0.0))
    return part
