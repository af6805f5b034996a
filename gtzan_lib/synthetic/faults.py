"""Planted faults: faults of real collections, made on purpose.

The settings determine which tracks have a fault, and its amount. No track has
two faults, and the source of a copy has none.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import CorpusError
from .settings import PLANTED_FAULTS, Settings, Slot

__all__ = ["COPIES", "DESTROYED_BYTES", "MP3_KBIT_S", "PlantedFault", "plan_faults"]

COPIES = PLANTED_FAULTS[8:]
"""Faults that replace the music of a track by that of another."""

DESTROYED_BYTES = 4096
"""Number of zero bytes at the beginning of an unreadable file."""

MP3_KBIT_S = (64, 96, 128)
"""Constant bit rates of re-encoded copies, in kbit/s."""

_RATES = (16_000, 44_100)


@dataclass(frozen=True)
class PlantedFault:
    """One planted fault.

    Attributes
    ----------
    name : str
        One of `PLANTED_FAULTS`.
    victim : Slot
        Track that has the fault.
    source : Slot or None
        Track of which it is a copy; None if it is no copy.
    amount : float
        Size of the fault, in the unit that `detail` names.
    """

    name: str
    victim: Slot
    source: Slot | None
    amount: float

    @property
    def detail(self) -> str:
        """Description of the fault, with its amount."""
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
    "silent": lambda rng, seconds: int(rng.integers(2)),
    "clipped": lambda rng, seconds: rng.uniform(9, 15),
    "dc-offset": lambda rng, seconds: rng.choice([-1, 1]) * rng.uniform(0.05, 0.2),
    "dropouts": lambda rng, seconds: int(rng.integers(4, 9)),
    "identical": lambda rng, seconds: 0,
    "reencoded": lambda rng, seconds: rng.choice(MP3_KBIT_S),
    "gain": lambda rng, seconds: rng.uniform(-12, -3),
    "shifted": lambda rng, seconds: rng.uniform(0.5, 5.0),
    "mislabelled": lambda rng, seconds: 0,
}


def plan_faults(settings: Settings) -> dict[str, PlantedFault]:
    """Choose the tracks with faults, the sources of copies and the amounts.

    Parameters
    ----------
    settings : Settings
        The corpus, and the number of each fault.

    Returns
    -------
    dict
        PlantedFault by track id.

    Raises
    ------
    CorpusError
        If the corpus has too few tracks for so many faults.
    """
    rng = np.random.default_rng([settings.seed, len(PLANTED_FAULTS)])
    names = [name for name in PLANTED_FAULTS for _ in range(settings.faults.get(name, 0))]
    slots = list(settings)
    victims: list[Slot] = []
    n_clean = Counter(slot.genre for slot in slots)
    for number in rng.permutation(len(slots)):
        slot = slots[number]
        # One track per genre keeps no fault, as a source of copies.
        if n_clean[slot.genre] > 1 and len(victims) < len(names):
            victims.append(slot)
            n_clean[slot.genre] -= 1
    if len(victims) < len(names):
        raise CorpusError(
            f"{len(names)} faults are too many for {len(slots)} tracks: plant at most "
            f"{len(victims)}, or choose more artists or tracks."
        )
    if "mislabelled" in names and len(settings.genres) < 2:
        raise CorpusError(
            "A corpus of one genre cannot have mislabelled tracks: add a second genre."
        )
    sources = [slots[number] for number in rng.permutation(len(slots))]
    sources = [slot for slot in sources if slot not in victims]
    faults = {}
    for name, victim in zip(names, victims, strict=True):
        source = None
        if name in COPIES:
            # A used source moves to the end, so that all are used before one is used again.
            suitable = (s for s in sources if (s.genre == victim.genre) == (name != "mislabelled"))
            source = next(suitable)
            sources.remove(source)
            sources.append(source)
        amount = round(float(_AMOUNTS[name](rng, settings.seconds)), 3)
        faults[victim.track_id] = PlantedFault(name, victim, source, amount)
    return faults
