"""Data augmentation: random changes of training images against overfitting.

All changes apply to the images of a store. A gain of the audio would have no
effect, since every recipe is relative to the maximum of the window. `gain` is
therefore a shift of the grey levels, which clips quiet sounds to black or loud
ones to white.
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
    """Random changes of a training batch; none by default.

    Random numbers come from torch's global generator of the CPU.

    Attributes
    ----------
    time_mask, frequency_mask : float
        Largest share of the columns or rows that one black mask covers.
    crop : float
        Largest share of the columns that is cut off at the sides; the rest is
        stretched to the full width.
    gain : float
        Largest shift of the grey levels up or down, as a share of the scale.
    mixup : float
        Shape of the beta distribution of the weight with which images, features
        and genres of two windows are mixed; 0 for no mixing.

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
    def from_settings(
        cls, settings: Mapping[str, Any] | None, *, inputs: str = "grey"
    ) -> Augmentation:
        """Create an augmentation from a notebook parameter, and check it.

        Parameters
        ----------
        settings : mapping, optional
            Strengths by name, such as `{"time_mask": 0.2, "mixup": 0.3}`.
        inputs : str
            Image input of the net, one of `gtzan_lib.models.layers.INPUTS`.

        Returns
        -------
        Augmentation
            The augmentation with these settings.

        Raises
        ------
        ModelError
            If a name is unknown, a strength is out of range, or the net's input
            cancels the change.
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
                "it out, or set inputs to 'grey'."
            )
        return cls(**settings)

    def __call__(self, rows: Any, labels: torch.Tensor, classes: int) -> tuple[Any, torch.Tensor]:
        """Augment a batch.

        Parameters
        ----------
        rows : torch.Tensor [shape=(n, ..., height, width)], or dict with `images`
            Images, and the other inputs of the net.
        labels : torch.Tensor [shape=(n,), dtype=int64]
            Indices of genres.
        classes : int
            Number of genres.

        Returns
        -------
        rows
            The inputs in the same form; changed images are float32 from 0 to 255.
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
    """Return one number from 0 to 1 per image, in a shape that broadcasts."""
    return torch.rand(len(images), 1, 1).to(images.device)


def _crop(images: torch.Tensor, strength: float) -> torch.Tensor:
    last = images.shape[-1] - 1
    scale = 1 - strength * _random(images)
    start = (1 - scale) * _random(images) * last
    columns = torch.linspace(0, last, last + 1, device=images.device)
    positions = start + scale * columns
    left = positions.floor().long().clamp(0, last)
    right = (left + 1).clamp(max=last)
    fraction = positions - left
    shape = images.shape
    left_values, right_values = (images.gather(-1, index.expand(shape)) for index in (left, right))
    return left_values + (right_values - left_values) * fraction


def _gain(images: torch.Tensor, strength: float) -> torch.Tensor:
    return (images + 255 * strength * (2 * _random(images) - 1)).clamp(0, 255)


def _mask_columns(images: torch.Tensor, strength: float) -> torch.Tensor:
    n_columns = images.shape[-1]
    width = (strength * _random(images) * n_columns).floor()
    start = (_random(images) * (n_columns - width + 1)).floor()
    column = torch.arange(n_columns, device=images.device)
    return images.masked_fill((column >= start) & (column < start + width), 0.0)


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
