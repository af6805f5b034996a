"""Recipes: the parameters of spectrogram images."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import operator
from typing import Any

import numpy as np

from ..data.logmels import COLUMNS_PER_SECOND, N_MELS
from ..data.windows import WindowGrid
from ..errors import RecipeError
from ..files import canonical_json

__all__ = ["PRESETS", "Recipe"]

_LARGEST = 4096

# A window is computed in memory as a whole.
_LONGEST_S = 3600

# Fields of a preset that can be changed, beside size, seconds and step.
_CHANGEABLE = ("sample_rate", "n_fft", "hop_length", "n_mels", "top_db")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Parameters of spectrogram images.

    An image depends on these fields and on the sound only. `Recipe.preset` makes
    recipes by name.

    Attributes
    ----------
    name : str
        Name of the preset.
    sample_rate : int
        Rate in Hz to which whole files are resampled.
    n_fft : int
        Samples of a frame of the Fourier transform.
    hop_length : int
        Samples from one frame to the next.
    seconds, step : float
        Length of a window, and time from one window's start to the next.
    columns : int
        Columns of the full image. If there are fewer frames, they are in its
        middle.
    n_mels : int
        Number of mel bands, which are the rows of the full image; 0: the rows are
        the frequencies of the transform without the highest.
    height, width : int
        Rows and columns of the final image, which is the full image averaged over areas.
    top_db : float
        Range in decibels below the window's maximum; lower levels are raised to it.
    min_max_scaled : bool
        Whether grey levels go from the window's minimum to its maximum; if not, they
        go from `top_db` below the maximum.
    rotated : bool
        Whether the image is rotated by 180 degrees.
    columns_per_second : float
        0: each window is transformed by itself. Above 0: windows are cut from the
        spectrogram of the whole sound, which has this number of columns a second,
        as in files of log-mels.

    Raises
    ------
    RecipeError
        If images cannot be computed with these fields.

    Notes
    -----
    The book page "Spectrograms" shows the presets, and how the hop length is
    derived.
    """

    name: str
    sample_rate: int
    n_fft: int
    hop_length: int
    seconds: float
    step: float
    columns: int
    height: int
    width: int
    n_mels: int = 0
    top_db: float = 80.0
    min_max_scaled: bool = True
    rotated: bool = False
    columns_per_second: float = 0.0

    def __post_init__(self) -> None:
        for field, least in (("sample_rate", 1), ("n_fft", 2), ("hop_length", 1), ("n_mels", 0)):
            value = getattr(self, field)
            if not isinstance(value, int) or value < least:
                raise RecipeError(
                    f"recipe {self.name!r} needs a whole number of at least {least} as {field}, "
                    f"got {value!r}."
                )
        if not 0 < self.top_db < math.inf or (self.columns_per_second and not self.n_mels):
            raise RecipeError(
                f"recipe {self.name!r} needs a top_db above zero, and mel bands for columns per "
                f"second; got {self.top_db} dB and {self.n_mels} mel bands."
            )
        if not (1 <= self.height <= _LARGEST and 1 <= self.width <= _LARGEST):
            raise RecipeError(
                f"recipe {self.name!r} makes images of 1 to {_LARGEST} pixels a side, not of "
                f"{self.height} x {self.width}; choose another size."
            )
        if self.seconds > _LONGEST_S:
            raise RecipeError(
                f"recipe {self.name!r} cannot have windows of {self.seconds:g} s; give at most an "
                "hour."
            )
        if not self.samples >= self.n_fft or not 0 < self.step < math.inf:
            raise RecipeError(
                f"recipe {self.name!r} needs windows of at least "
                f"{self.n_fft / self.sample_rate:.3f} s and a step above zero; "
                f"got {self.seconds} s every {self.step} s."
            )

    @classmethod
    def preset(
        cls,
        name: str = "stft-3s",
        *,
        size: int | tuple[int, int] | None = None,
        seconds: float | None = None,
        step: float | None = None,
        **changes: float | None,
    ) -> Recipe:
        """Return a recipe by name, at any size and window length.

        Parameters
        ----------
        name : {"stft-3s", "stft-10s-legacy", "mel-3s", "mel-30s", "mel-gtzan-store"}
            `stft-3s`: 12 kHz, frames of 1024 samples, 512 rows and columns.
            `stft-10s-legacy`: 22.05 kHz, frames of 2048, 10 s every 5 s, 480
            rows and 640 columns, rotated by 180 degrees. `mel-3s`, `mel-30s`:
            22.05 kHz, frames of 2048 every 512 samples, 128 mel bands, 80 dB.
            `mel-gtzan-store`: as `mel-30s`, with the columns and the scale of the
            shared file of log-mels.
        size : int or (int, int), optional
            Height and width of the images in pixels, one number for both.
            Default: the full size.
        seconds : float, optional
            Length of a window; the hop length or the number of columns is
            derived again. Default: that of the preset.
        step : float, optional
            Seconds from one window's start to the next. Default: `seconds` if it is
            given, else that of the preset.
        **changes
            Other fields: `n_mels`, `n_fft`, `hop_length`, `sample_rate`, `top_db`; None
            is the value of the preset.

        Returns
        -------
        Recipe
            The preset with the changes.

        Raises
        ------
        RecipeError
            If there is no such preset or field, or a size or length is not possible.

        Examples
        --------
        >>> Recipe.preset("mel-3s", n_mels=64).shape
        (64, 130)
        """
        if name not in PRESETS:
            raise RecipeError(
                f"there is no recipe {name!r}; choose one of {', '.join(sorted(PRESETS))}."
            )
        unknown = [field for field in changes if field not in _CHANGEABLE]
        if unknown:
            raise RecipeError(
                f"recipe {name!r} cannot be made with {unknown[0]!r}; change size, seconds, step, "
                f"{', '.join(_CHANGEABLE)}."
            )
        settings: dict[str, Any] = {"step": PRESETS[name]["seconds"], **PRESETS[name]}
        settings |= {field: value for field, value in changes.items() if value is not None}
        if seconds is not None:
            settings.update(seconds=float(seconds), step=float(seconds))
        if step is not None:
            settings["step"] = float(step)
        if not 0 < settings["seconds"] < math.inf:
            raise RecipeError(
                f"recipe {name!r} cannot have windows of {seconds} s; give a length above zero."
            )
        # What is not possible is refused when the recipe is made.
        samples = round(settings["seconds"] * settings["sample_rate"])
        hop_length = settings.get("hop_length") or 1
        if "columns_per_second" in settings:
            columns = settings["seconds"] * settings["columns_per_second"]
            settings["columns"] = max(1, int(columns + 0.5))
        elif "columns" in settings:
            settings.setdefault("hop_length", max(1, math.ceil(samples / settings["columns"])))
        else:
            settings["columns"] = 1 + samples // max(1, hop_length)
        rows = settings.get("n_mels") or settings["n_fft"] // 2
        full = settings.pop("full", (rows, settings["columns"]))
        if size is not None:
            full = np.broadcast_to(size, 2)
        try:
            height, width = (operator.index(side) for side in full)
        except TypeError as error:
            raise RecipeError(
                f"recipe {name!r} needs whole numbers of rows and columns, got {tuple(full)}."
            ) from error
        return cls(name=name, height=height, width=width, **settings)

    @property
    def grid(self) -> WindowGrid:
        """Where the windows of a sound begin."""
        return WindowGrid(self.seconds, self.step)

    @property
    def samples(self) -> int:
        """Samples of a window at the recipe's rate."""
        return round(self.seconds * self.sample_rate)

    @property
    def context(self) -> tuple[int, int]:
        """Largest numbers of samples before and after a window that its image depends on."""
        if not self.columns_per_second:
            return 0, 0
        column = self.sample_rate / self.columns_per_second
        # Columns are not aligned with windows: the first may begin one column earlier.
        before = self.n_fft // 2 + self.hop_length + math.ceil(column / 2)
        last = math.ceil((self.columns - 0.5) * column) + self.n_fft // 2
        return before, max(0, last - self.samples)

    @property
    def rows(self) -> int:
        """Rows of the full image."""
        return self.n_mels or self.n_fft // 2

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.height, self.width

    @property
    def slug(self) -> str:
        """Name, length, size and a digest of all fields, `stft-3s_3s_64px_0f3a91`."""
        length = f"{self.seconds:g}s" + ("" if self.step == self.seconds else f"+{self.step:g}s")
        sides = dict.fromkeys(self.shape)
        digest = hashlib.sha256(canonical_json(self.as_dict()).encode()).hexdigest()[:6]
        return f"{self.name}_{length}_{'x'.join(map(str, sides))}px_{digest}"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Recipe:
        """Make a recipe from the result of `as_dict`."""
        return cls(**{field.name: values[field.name] for field in dataclasses.fields(cls)})


# From `columns` the hop length is derived, and from `hop_length` the columns.
_MEL = {"sample_rate": 22_050, "n_fft": 2048, "hop_length": 512, "n_mels": N_MELS}
PRESETS: dict[str, dict[str, Any]] = {
    "stft-3s": {"sample_rate": 12_000, "n_fft": 1024, "seconds": 3.0, "columns": 512},
    "stft-10s-legacy": {
        "sample_rate": 22_050,
        "n_fft": 2048,
        "hop_length": 512,
        "seconds": 10.0,
        "step": 5.0,
        "full": (480, 640),
        "rotated": True,
    },
    "mel-3s": {**_MEL, "seconds": 3.0, "min_max_scaled": False},
    "mel-30s": {**_MEL, "seconds": 30.0, "min_max_scaled": False},
    "mel-gtzan-store": {**_MEL, "seconds": 30.0, "columns_per_second": COLUMNS_PER_SECOND},
}
"""Fields of each preset; `Recipe.preset` derives the others."""
