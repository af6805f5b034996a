"""Models whose net takes images of spectrograms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..data.arguments import require_array
from ..data.windows import Window
from ..errors import ModelError
from ..models.familiarity import Familiarity
from ..models.registry import input_axes
from ..signal.recipes import Recipe
from ..signal.spectrograms import draw
from .model import Model

if TYPE_CHECKING:
    from ..training.classifier import NetClassifier

__all__ = ["ImageModel", "RecipeModel"]

# Images per step, so that memory does not grow with their number.
_BATCH = 32


class RecipeModel(Model):
    """A model that takes images of spectrograms, or what is computed from them.

    Parameters
    ----------
    name, card, net, familiarity
        As for `gtzan_lib.inference.model.Model`; the card has a recipe.

    Attributes
    ----------
    recipe : Recipe
        Settings of the images.
    """

    def __init__(
        self,
        name: str,
        card: dict[str, Any],
        net: torch.nn.Module,
        familiarity: Familiarity | None = None,
    ) -> None:
        super().__init__(name, card, net, familiarity)
        self.recipe = Recipe.from_dict(card["recipe"])
        self.grid, self.sample_rate = self.recipe.grid, self.recipe.sample_rate
        self.context, self.takes = self.recipe.context, self.recipe.name

    def draw(self, windows: list[Window]) -> np.ndarray:
        """Make the images of windows.

        Parameters
        ----------
        windows : list of Window
            Windows of `cutter`.

        Returns
        -------
        np.ndarray [shape=(n, height, width), dtype=uint8]
            One per window.
        """
        return draw(windows, self.recipe)

    def _inputs(self, windows: list[Window]) -> tuple[np.ndarray, np.ndarray]:
        images = self.draw(windows)
        # A silent window is black.
        return images, np.asarray(images.any(axis=(1, 2)))


class ImageModel(RecipeModel):
    """A net that takes images of spectrograms, with their recipe.

    Parameters
    ----------
    name, card, net, familiarity
        As for `gtzan_lib.inference.model.Model`; the card has a recipe.

    Attributes
    ----------
    recipe : Recipe
        Settings of the spectrograms that the net takes.

    Notes
    -----
    The book page "Inference" shows examples.
    """

    @property
    def estimator(self) -> NetClassifier:
        """The net as an estimator of images, for `gl.evaluate`."""
        from ..training.classifier import NetClassifier

        weights = self.net.state_dict()
        estimator = NetClassifier(self.card["architecture"])
        return estimator.restore(list(self.genres), dict(self.card["arguments"]), weights)

    def require_windows(self) -> None:
        """Check that the input of the net is the image of a single window.

        Raises
        ------
        ModelError
            If the net takes the windows of a track in order, or features.
        """
        if set(input_axes(self.card["architecture"]).items()) != {("images", 3)}:
            raise ModelError(
                f"model {self.name!r} is a {self.card['architecture']}, which does not predict "
                "single windows of sound; use another model, or its `estimator` with a store."
            )

    def images(self, y: np.ndarray, sample_rate: int, *, step: float | None = None) -> np.ndarray:
        """Make the images that the net takes.

        Parameters
        ----------
        y : np.ndarray [shape=(n,) or (n, channels)]
            Samples, time first.
        sample_rate : int
            In Hz.
        step : float, optional
            Seconds from one window's start to the next. Default: the recipe's.

        Returns
        -------
        np.ndarray [shape=(windows, height, width), dtype=uint8]
            One per window, in order of time.

        Raises
        ------
        AudioError
            If the sound is too short, or samples are not finite.
        """
        return np.concatenate([self.draw(part) for part in self.windows(y, sample_rate, step=step)])

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Compute the probabilities of every image.

        Parameters
        ----------
        images : np.ndarray [shape=(n, height, width), dtype=uint8]
            Made with the model's recipe.

        Returns
        -------
        np.ndarray [shape=(n, genres), dtype=float32]
            Rows sum to one.
        """
        require_array(images, "images")
        if images.shape[-2:] != self.recipe.shape:
            height, width = self.recipe.shape
            raise ModelError(
                f"images of shape {images.shape} do not fit the model; give (n, {height}, {width})."
            )
        parts = [images[i : i + _BATCH] for i in range(0, max(1, len(images)), _BATCH)]
        with torch.inference_mode():
            # Copied, since PyTorch warns about read-only arrays, such as the images of a store.
            rows = [self.net(torch.tensor(part)).softmax(dim=1).numpy() for part in parts]
        return np.concatenate(rows)

    def _outputs(self, inputs: np.ndarray) -> tuple[np.ndarray, None]:
        return self.probabilities(inputs), None
