"""Models that predict genres from the tags of MusiCNN."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..data.windows import Window, WindowGrid
from ..errors import ModelError
from ..models.familiarity import Familiarity
from ..models.musicnn import KaiserResampler, MusiCNN, load_musicnn, patch_mel
from .model import Model

__all__ = ["MusicnnModel"]

# The tags depend on the level. A tenth of the windows of GTZAN's training tracks with sound
# are quieter than this RMS, -20 dB of full scale; recordings of a microphone often are.
_LOWEST_LEVEL = 0.1


class MusicnnModel(Model):
    """Logistic regression on the tag logits of MusiCNN.

    Parameters
    ----------
    name, card, net, familiarity
        As for `gtzan_lib.inference.model.Model`; the net is a
        `gtzan_lib.models.heads.LogisticHead`.

    Notes
    -----
    The mean of a sound's logits decides, which is the geometric mean of its windows'
    probabilities. Windows with an RMS below -20 dB of full scale are amplified to it. The
    book page "Predict and record" tells its accuracy.

    References
    ----------
    J. Pons and X. Serra, "musicnn: pre-trained convolutional neural networks for
    music audio tagging", late-breaking session of ISMIR 2019.
    """

    aggregation = "geometric mean"
    takes = "tags of MusiCNN"
    sample_rate = MusiCNN.SAMPLE_RATE
    # The first frame is centred at the first sample of the window, and the last ends with it.
    context = (MusiCNN.CONTEXT, 0)
    grid = WindowGrid((MusiCNN.PATCH_SAMPLES - MusiCNN.CONTEXT) / MusiCNN.SAMPLE_RATE, 3.0)

    def __init__(
        self,
        name: str,
        card: dict[str, Any],
        net: torch.nn.Module,
        familiarity: Familiarity | None = None,
    ) -> None:
        super().__init__(name, card, net, familiarity)
        inputs = card["arguments"]["inputs"]
        if inputs != len(MusiCNN.TAGS):
            raise ModelError(
                f"its head takes {inputs} values, and MusiCNN has {len(MusiCNN.TAGS)} tags; fit "
                "it on these."
            )

    @cached_property
    def tagger(self) -> MusiCNN:
        """The net that tags music, loaded when it is first used."""
        return load_musicnn()

    def resampler(self, source: int) -> KaiserResampler:
        """Return a resampler to 16 kHz, with the filter of the tags' author.

        Parameters
        ----------
        source : int
            Rate of the sound in Hz.

        Returns
        -------
        KaiserResampler
            The resampler.
        """
        return KaiserResampler(source)

    def tag_logits(self, windows: list[Window]) -> np.ndarray:
        """Compute the logits of MusiCNN's tags.

        Parameters
        ----------
        windows : list of Window
            Windows of `cutter`.

        Returns
        -------
        np.ndarray [shape=(n, 50), dtype=float32]
            In the order of `MusiCNN.TAGS`.
        """
        return self.layers(windows)["logits"]

    def layers(self, windows: list[Window]) -> dict[str, np.ndarray]:
        """Compute layers of MusiCNN that represent the sound.

        Parameters
        ----------
        windows : list of Window
            Windows of `cutter`.

        Returns
        -------
        dict of str to np.ndarray [shape=(n, width), dtype=float32]
            One row per window; see `gtzan_lib.models.musicnn.MusiCNN.layers`.
        """
        mels = [patch_mel(self._prepared(window.y)) for window in windows]
        with torch.inference_mode():
            layers = self.tagger.layers(torch.from_numpy(np.stack(mels)))
        return {name: layer.numpy() for name, layer in layers.items()}

    def genre_of_tags(self, logits: np.ndarray) -> str:
        """Predict a track from the logits of its tags.

        Parameters
        ----------
        logits : np.ndarray [shape=(n, 50)]
            As from `track_logits`.

        Returns
        -------
        str
            The genre.
        """
        return self.genres[int(self.tag_probabilities(logits.mean(axis=0))[0].argmax())]

    def tag_probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Compute the probabilities of genres from the logits of tags.

        Parameters
        ----------
        logits : np.ndarray [shape=(n, 50) or (50,)]
            As from `tag_logits`.

        Returns
        -------
        np.ndarray [shape=(n, genres), dtype=float32]
            One row per window.
        """
        with torch.inference_mode():
            rows = torch.from_numpy(np.atleast_2d(np.asarray(logits, dtype=np.float32)))
            return self.net(rows).softmax(dim=1).numpy()

    def track_logits(
        self, source: str | Path | np.ndarray, sample_rate: int | None = None
    ) -> np.ndarray:
        """Compute the logits of MusiCNN's tags for all windows of a file or of samples.

        Parameters
        ----------
        source, sample_rate
            As for `predict`.

        Returns
        -------
        np.ndarray [shape=(n, 50), dtype=float32]
            One row per window that is not silent.

        Raises
        ------
        AudioError
            If the file cannot be decoded, or the sound is too short or not finite.
        """
        rows = [np.zeros((0, len(MusiCNN.TAGS)), dtype=np.float32)]
        for windows in self.windows(source, sample_rate):
            if audible := [window for window in windows if window.y.any()]:
                rows.append(self.tag_logits(audible))
        return np.concatenate(rows)

    def _inputs(self, windows: list[Window]) -> tuple[np.ndarray, np.ndarray]:
        mels = np.stack([patch_mel(self._prepared(window.y)) for window in windows])
        return mels, np.array([window.y.any() for window in windows])

    def _outputs(self, inputs: np.ndarray) -> tuple[np.ndarray, torch.Tensor]:
        with torch.inference_mode():
            tags = self.tagger(torch.from_numpy(inputs))
            return self.net(tags).softmax(dim=1).numpy(), tags

    @staticmethod
    def _prepared(y: np.ndarray) -> np.ndarray:
        """Amplify quiet sound, and repeat what is shorter than a window until it fills one."""
        before, length = MusiCNN.CONTEXT, MusiCNN.PATCH_SAMPLES - MusiCNN.CONTEXT
        filled = np.concatenate([y[:before], np.resize(y[before:], length)])
        level = float(np.sqrt(np.mean(np.square(filled, dtype=np.float64))))
        return filled * np.float32(_LOWEST_LEVEL / level) if 0 < level < _LOWEST_LEVEL else filled
