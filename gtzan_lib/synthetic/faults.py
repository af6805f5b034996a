"""Planted faults: what goes wrong in real collections, done on purpose.

Which tracks are hit, and how badly, follows from the seed alone. No track is
hit twice, and the source of a copy is itself sound.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import CorpusError
from .settings import FAULTS, Settings, Slot

__all__ = ["COPIES", "DESTROYED_BYTES", "MP3_LEVELS", "Fault", "plan"]

COPIES = FAULTS[8:]
"""Faults that put another track's music in the victim's place."""

DESTROYED_BYTES = 4096
"""Length of the zeros that an unreadable file begins with."""

MP3_LEVELS = {64: 0.6, 96: 0.4, 128: 0.2}
"""Compression levels of libsndfile's MP3 encoder by constant bit rate in kbit/s."""

_RATES = (16_000, 44_100)


@dataclass(frozen=True)
class Fault:
    """One planted fault.

    Attributes
    ----------
    name : str
        One of `FAULTS`.
    victim : Slot
        Track that is hit.
    source : Slot or None
        Track whose music it gets; None where it keeps its own.
    amount : float
        How much, in the unit that `detail` names.
    """

    name: str
    victim: Slot
    source: Slot | None
    amount: float

    @property
    def detail(self) -> str:
        """What was done, in words."""
        return _DETAILS[self.name].format(self.amount)


_DETAILS = {
    "unreadable": "first {:.0f} bytes zeroed",
    "truncated": "{:.1%} of the bytes left",
    "too-short": "{:.2f} s long",
    "wrong-rate": "{:.0f} Hz",
    "silent": "noise of {:.0f} steps of 16 bits",
    "clipped": "gain {:+.1f} dB",
    "dc-offset": "offset {:+.3f}",
    "dropouts": "{:.0f} gaps",
    "identical": "same bytes",
    "reencoded": "mp3 {:.0f} kbit/s",
    "gain": "gain {:+.1f} dB",
    "shifted": "shift {:.2f} s",
    "mislabelled": "same bytes",
}

_AMOUNTS: dict[str, Callable[[np.random.Generator, float], float]] = {
    "unreadable": lambda rng, seconds: DESTROYED_BYTES,
    "truncated": lambda rng, seconds: rng.uniform(0.2, 0.8),
    "too-short": lambda rng, seconds: seconds * rng.uniform(0.05, 0.33),
    "wrong-rate": lambda rng, seconds: rng.choice(_RATES),
    "silent": lambda rng, seconds: rng.integers(2),
    "clipped": lambda rng, seconds: rng.uniform(9, 15),
    "dc-offset": lambda rng, seconds: rng.choice([-1, 1]) * rng.uniform(0.05, 0.2),
    "dropouts": lambda rng, seconds: rng.integers(4, 9),
    "identical": lambda rng, seconds: 0,
    "reencoded": lambda rng, seconds: rng.choice(list(MP3_LEVELS)),
    "gain": lambda rng, seconds: rng.uniform(-12, -3),
    "shifted": lambda rng, seconds: rng.uniform(0.5, 5.0),
    "mislabelled": lambda rng, seconds: 0,
}


def plan(settings: Settings) -> dict[str, Fault]:
    """Choose the victims, the sources and the amounts.

    Parameters
    ----------
    settings : Settings
        The corpus and the faults it is to have.

    Returns
    -------
    dict
        Track id of the victim to its fault.

    Raises
    ------
    CorpusError
        If the corpus has too few tracks for so many faults.
    """
    rng = np.random.default_rng([settings.seed, len(FAULTS)])
    names = [name for name in FAULTS for _ in range(settings.faults.get(name, 0))]
    slots = list(settings)
    victims: list[Slot] = []
    sound = Counter(slot.genre for slot in slots)
    for number in rng.permutation(len(slots)):
        slot = slots[number]
        # One sound track a genre stays, for copies to be made from.
        if sound[slot.genre] > 1 and len(victims) < len(names):
            victims.append(slot)
            sound[slot.genre] -= 1
    if len(victims) < len(names):
        raise CorpusError(
            f"{len(names)} faults are too many for {len(slots)} tracks: plant at most "
            f"{len(victims)}, or ask for more artists or tracks."
        )
    if "mislabelled" in names and len(settings.genres) < 2:
        raise CorpusError("A corpus of one genre cannot be mislabelled: ask for a second genre.")
    sources = [slots[number] for number in rng.permutation(len(slots))]
    sources = [slot for slot in sources if slot not in victims]
    faults = {}
    for name, victim in zip(names, victims, strict=True):
        source = None
        if name in COPIES:
            # Taken from the front and put at the back: no source serves twice
            # while another waits.
            fits = (s for s in sources if (s.genre == victim.genre) == (name != "mislabelled"))
            source = next(fits)
            sources.remove(source)
            sources.append(source)
        amount = round(float(_AMOUNTS[name](rng, settings.seconds)), 3)
        faults[victim.track_id] = Fault(name, victim, source, amount)
    return faults
