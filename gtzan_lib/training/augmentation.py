"""Changing training images at random, so that a net does not learn them by heart.

All of them act on the image as it lies in the store. A gain of the sound itself
would not: every recipe is relative to a window's own maximum, which takes it
out again. What a gain stands for here is a shift of the grey levels, which
drowns quiet sounds in black or lets loud ones saturate.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch

from ..errors import ModelError

__all__ = ["Augmentation"]


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What is done to a batch before the net sees it; nothing by default.

    Random numbers are torch's global ones, of the CPU.

    Attributes
    ----------
    time_mask, frequency_mask : float
        Largest share of the columns or rows that one black stripe covers.
    crop : float
        Largest share of the columns that is cut off, at either side or both;
        what is left is stretched to the full width.
    gain : float
        Largest shift of the grey levels up or down, as a share of the scale.
    mixup : float
        Shape of the beta distribution from which the weight is drawn with which
        images, features and genres of two windows are mixed; 0 for none.

    References
    ----------
    Masks: D. S. Park et al., "SpecAugment", Interspeech 2019, section 2. Mixing:
    H. Zhang, M. Cisse, Y. Dauphin and D. Lopez-Paz, "mixup: beyond empirical risk
    minimization", ICLR 2018, section 2.
    """

    time_mask: float = 0.0
    frequency_mask: float = 0.0
    crop: float = 0.0
    gain: float = 0.0
    mixup: float = 0.0

    @classmethod
    def of(cls, settings: Mapping[str, Any] | None, *, inputs: str = "grey") -> Augmentation:
        """Make one from a parameter, and refuse what is unknown or without effect.

        Parameters
        ----------
        settings : mapping, optional
            Names and strengths, like `{"time_mask": 0.2, "mixup": 0.3}`.
        inputs : str
            How the net takes its images.

        Returns
        -------
        Augmentation
            With these settings.

        Raises
        ------
        ModelError
            If a name is unknown, a strength is out of range, or the net undoes
            what it does.
        """
        settings = dict(settings or {})
        names = [field.name for field in dataclasses.fields(cls)]
        for name, value in settings.items():
            if name not in names:
                raise ModelError(
                    f"there is no augmentation {name!r}; choose among {', '.join(names)}."
                )
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 <= value < (1 if name != "mixup" else 100):
                limit = "100" if name == "mixup" else "1"
                raise ModelError(
                    f"augmentation {name!r} takes a number from 0 to below {limit}, not {value!r}."
                )
        if settings.get("gain") and inputs == "bands":
            raise ModelError(
                "augmentation 'gain' has no effect on a net that standardises every band; leave "
                "it out, or give the net inputs 'grey'."
            )
        return cls(**settings)

    def __call__(self, rows: Any, labels: torch.Tensor, classes: int) -> tuple[Any, torch.Tensor]:
        """Change a batch.

        Parameters
        ----------
        rows : torch.Tensor [shape=(n, ..., height, width)], or dict with `images`
            Images, and whatever else the net takes.
        labels : torch.Tensor [shape=(n,), dtype=int64]
            Numbers of genres.
        classes : int
            How many genres there are.

        Returns
        -------
        rows
            As they came, images as float32 from 0 to 255 where they were changed.
        targets : torch.Tensor
            The labels; after mixing, shares of genres of shape (n, classes).
        """
        inputs = rows if isinstance(rows, dict) else {"images": rows}
        images = inputs["images"]
        if self.crop or self.gain or self.time_mask or self.frequency_mask:
            flat = images.float().flatten(0, -3) if images.ndim > 3 else images.float()
            for strength, change in (
                (self.crop, _crop),
                (self.gain, _gain),
                (self.time_mask, _mask_columns),
                (self.frequency_mask, _mask_rows),
            ):
                flat = change(flat, strength) if strength else flat
            inputs = {**inputs, "images": flat.view(images.shape)}
        if self.mixup:
            inputs, labels = _mix(inputs, labels, classes, self.mixup)
        return (inputs if isinstance(rows, dict) else inputs["images"]), labels


def _random(images: torch.Tensor) -> torch.Tensor:
    """One number from 0 to 1 an image, to be multiplied with it."""
    return torch.rand(len(images), 1, 1).to(images.device)


def _crop(images: torch.Tensor, strength: float) -> torch.Tensor:
    last = images.shape[-1] - 1
    kept = 1 - strength * _random(images)
    first = (1 - kept) * _random(images) * last
    steps = torch.linspace(0, last, last + 1, device=images.device)
    places = first + kept * steps
    left = places.floor().long().clamp(0, last)
    right = (left + 1).clamp(max=last)
    share = places - left
    shape = images.shape
    near, far = (images.gather(-1, side.expand(shape)) for side in (left, right))
    return near + (far - near) * share


def _gain(images: torch.Tensor, strength: float) -> torch.Tensor:
    return (images + 255 * strength * (2 * _random(images) - 1)).clamp(0, 255)


def _mask_columns(images: torch.Tensor, strength: float) -> torch.Tensor:
    length = images.shape[-1]
    wide = (strength * _random(images) * length).floor()
    first = (_random(images) * (length - wide + 1)).floor()
    place = torch.arange(length, device=images.device)
    return images.masked_fill((place >= first) & (place < first + wide), 0.0)


def _mask_rows(images: torch.Tensor, strength: float) -> torch.Tensor:
    return _mask_columns(images.transpose(-1, -2), strength).transpose(-1, -2)


def _mix(
    inputs: dict[str, torch.Tensor], labels: torch.Tensor, classes: int, shape: float
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    weight = float(torch.distributions.Beta(shape, shape).sample())
    other = torch.randperm(len(labels)).to(labels.device)
    mixed = {
        name: weight * values.float() + (1 - weight) * values[other].float()
        for name, values in inputs.items()
    }
    targets = torch.nn.functional.one_hot(labels, classes).float()
    return mixed, weight * targets + (1 - weight) * targets[other]
