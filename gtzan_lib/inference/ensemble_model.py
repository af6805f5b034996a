"""Models that predict genres from statistics of log-mel spectrograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ..data.arguments import require_array
from ..errors import ModelError, RecipeError
from ..models.familiarity import Familiarity
from ..signal.logmel_statistics import GROUPS, group_sizes, logmel_statistics
from .image_model import RecipeModel

__all__ = ["COMPONENTS", "LARGEST", "EnsembleModel", "StatisticsEnsemble"]

COMPONENTS = 16
"""Number of principal components that represent a window."""

LARGEST = 5.0
"""Standardised statistics are limited to this many deviations from the mean."""


class StatisticsEnsemble(nn.Module):
    """Multinomial logistic regressions, each on some groups of statistics.

    Parameters
    ----------
    classes : int
        Number of genres.
    members : mapping of str to sequence of str
        The groups of `gtzan_lib.signal.logmel_statistics.GROUPS` that each member takes.

    Attributes
    ----------
    member_groups : dict of str to list of str
        The groups of each member, as given.
    groups : tuple of str
        The groups that any member takes, in the order of `GROUPS`.
    columns : dict of str to torch.Tensor
        The columns of each member among the statistics of `groups`.
    mean, deviation : torch.Tensor [shape=(statistics,)]
        Of the training rows.
    temperature : torch.Tensor
        Divides the logits, so that confidence equals accuracy.
    projection : torch.Tensor [shape=(columns of the first member, 16)]
        Principal components of the statistics of the first member, which represent a
        window where it is compared with the training windows.
    members : torch.nn.ModuleDict
        One linear layer per member.

    Raises
    ------
    RecipeError
        If there is no such group, or no member.

    Notes
    -----
    The logits are the mean of those of the members, which makes the probabilities their
    geometric mean.

    References
    ----------
    G. E. Hinton, "Training products of experts by minimizing contrastive divergence",
    Neural Computation 14(8), 2002, section 1: products of probabilities.
    """

    mean: torch.Tensor
    deviation: torch.Tensor
    temperature: torch.Tensor
    projection: torch.Tensor

    def __init__(self, classes: int, members: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self.member_groups = {name: list(groups) for name, groups in dict(members).items()}
        members = self.member_groups
        unknown = {group for groups in members.values() for group in groups} - set(GROUPS)
        if unknown or not members or not all(members.values()):
            raise RecipeError(
                "every member of an ensemble needs groups of statistics; choose among "
                f"{', '.join(GROUPS)}."
            )
        sizes = group_sizes()
        self.groups = tuple(
            group for group in GROUPS if any(group in groups for groups in members.values())
        )
        of_column = np.repeat(self.groups, [sizes[group] for group in self.groups])
        self.columns = {
            name: torch.from_numpy(np.flatnonzero(np.isin(of_column, groups)))
            for name, groups in members.items()
        }
        self.register_buffer("mean", torch.zeros(len(of_column)))
        self.register_buffer("deviation", torch.ones(len(of_column)))
        self.register_buffer("temperature", torch.ones(()))
        first = next(iter(self.columns.values()))
        self.register_buffer("projection", torch.zeros(len(first), COMPONENTS))
        self.members = nn.ModuleDict(
            {name: nn.Linear(len(columns), classes) for name, columns in self.columns.items()}
        )

    def standardised(self, statistics: torch.Tensor) -> torch.Tensor:
        """Return statistics in deviations from their mean, at most `LARGEST`."""
        return ((statistics - self.mean) / self.deviation).clamp(-LARGEST, LARGEST)

    def member_logits(self, statistics: torch.Tensor) -> torch.Tensor:
        """Return the logits of every member.

        Parameters
        ----------
        statistics : torch.Tensor [shape=(n, statistics), dtype=float32]
            Of `groups`.

        Returns
        -------
        torch.Tensor [shape=(members, n, classes), dtype=float32]
            In the order of `members`.
        """
        rows = self.standardised(statistics)
        return torch.stack(
            [member(rows[:, self.columns[name]]) for name, member in self.members.items()]
        )

    def represent(self, statistics: torch.Tensor) -> torch.Tensor:
        """Return what represents windows where they are compared with others.

        Parameters
        ----------
        statistics : torch.Tensor [shape=(n, statistics), dtype=float32]
            Of `groups`.

        Returns
        -------
        torch.Tensor [shape=(n, 16), dtype=float32]
            Principal components.
        """
        first = next(iter(self.columns.values()))
        return self.standardised(statistics)[:, first] @ self.projection

    def forward(self, statistics: torch.Tensor) -> torch.Tensor:
        """Return the logits of windows.

        Parameters
        ----------
        statistics : torch.Tensor [shape=(n, statistics), dtype=float32]
            Of `groups`.

        Returns
        -------
        torch.Tensor [shape=(n, classes), dtype=float32]
            One logit per genre.
        """
        return self.member_logits(statistics).mean(dim=0) / self.temperature


class EnsembleModel(RecipeModel):
    """An ensemble on statistics of log-mel images, with the recipe of the images.

    Parameters
    ----------
    name, card, net, familiarity
        As for `gtzan_lib.inference.model.Model`; the card has a recipe, and the net is a
        `StatisticsEnsemble`.

    Attributes
    ----------
    recipe : Recipe
        Settings of the images.

    Raises
    ------
    ModelError
        If the recipe's images have no statistics.

    Notes
    -----
    A sound's probabilities are the geometric mean over its windows.
    """

    net: StatisticsEnsemble
    aggregation = "geometric mean"

    def __init__(
        self,
        name: str,
        card: dict[str, Any],
        net: torch.nn.Module,
        familiarity: Familiarity | None = None,
    ) -> None:
        super().__init__(name, card, net, familiarity)
        self.takes = "statistics of log-mel spectrograms"
        try:
            logmel_statistics(np.zeros((0, *self.recipe.shape), dtype=np.uint8))
        except RecipeError as error:
            raise ModelError(f"its recipe cannot be used: {error}") from error

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Compute the probabilities of every image.

        Parameters
        ----------
        images : np.ndarray [shape=(n, height, width), dtype=uint8]
            Made with the model's recipe, from sound or from a file of log-mels.

        Returns
        -------
        np.ndarray [shape=(n, genres), dtype=float32]
            Rows sum to one.

        Raises
        ------
        ModelError
            If the images have another shape.
        """
        require_array(images, "images")
        if images.ndim != 3 or images.shape[1:] != self.recipe.shape:
            height, width = self.recipe.shape
            raise ModelError(
                f"images of shape {images.shape} do not fit the model; give (n, {height}, {width})."
            )
        return self._outputs(images)[0]

    def _outputs(self, inputs: np.ndarray) -> tuple[np.ndarray, torch.Tensor]:
        statistics = torch.from_numpy(logmel_statistics(inputs, self.net.groups))
        with torch.inference_mode():
            probabilities = self.net(statistics).softmax(dim=1).numpy()
            return probabilities, self.net.represent(statistics)
