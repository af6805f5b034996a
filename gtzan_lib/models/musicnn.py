"""MusiCNN: a network trained to tag music, with its log-mel spectrogram and weights.

The weights are those of the package `musicnn` 0.1.0, trained on the Million Song
Dataset; `gtzan_lib.models.musicnn_conversion` says how they were converted.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..data.windows import cut
from ..errors import ArrayError, ModelError
from ..signal.dsp import frames, hann, mel_weights, power

__all__ = [
    "KaiserResampler",
    "MusiCNN",
    "cut_patch",
    "load_musicnn",
    "log_mel",
    "patch_mel",
    "resample_kaiser",
]

WEIGHTS = Path(__file__).with_name("musicnn_weights") / "msd_musicnn.safetensors"

# Frames and mel bands of the kernels of the front end, and their filters. The first two see
# timbre, the others rhythm.
_FRONT = ((7, 38, 204), (7, 67, 204), (128, 1, 51), (64, 1, 51), (32, 1, 51))
_MIDDLE = 64
_HIDDEN = 200
_FRAMES_AT_A_TIME = 17
# TensorFlow's default, a hundred times PyTorch's.
_EPSILON = 1e-3


class MusiCNN(nn.Module):
    """Predicts tags from log-mel spectrograms of 3 s.

    The front end has convolutions with five shapes of kernels, each followed by the
    maximum over frequency. Three convolutions over time follow, the last two with
    residual connections. Maximum and mean over time of all of these outputs go to a
    hidden layer and to one logit per tag. Every convolution, and the hidden layer, is
    followed by ReLU and then by batch normalisation. Dropout is left out: this is the
    net as it predicts.

    Attributes
    ----------
    SAMPLE_RATE : int
        Of the sound, in Hz.
    N_FFT, HOP : int
        Samples of a frame of the spectrogram, and from one frame to the next.
    N_MELS : int
        Mel bands.
    PATCH_FRAMES : int
        Frames of an input.
    CONTEXT : int
        Samples before an input's first sample that its first frame covers, as frames
        are centred, and after the centre of its last frame.
    PATCH_SAMPLES : int
        Samples that all frames of an input cover, context included.
    TAGS : tuple of str
        The 50 tags, as they are spelled in the Million Song Dataset.

    References
    ----------
    J. Pons and X. Serra, "musicnn: pre-trained convolutional neural networks for
    music audio tagging", late-breaking session of ISMIR 2019. J. Pons et al.,
    "End-to-end learning for music audio tagging at scale", ISMIR 2018, describes the
    architecture.
    """

    SAMPLE_RATE: ClassVar[int] = 16000
    N_FFT: ClassVar[int] = 512
    HOP: ClassVar[int] = 256
    N_MELS: ClassVar[int] = 96
    PATCH_FRAMES: ClassVar[int] = 187
    CONTEXT: ClassVar[int] = N_FFT // 2
    PATCH_SAMPLES: ClassVar[int] = (PATCH_FRAMES - 1) * HOP + N_FFT
    TAGS: ClassVar[tuple[str, ...]] = (
        "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s",
        "alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists",
        "classic rock", "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s",
        "chill", "instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic",
        "experimental", "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country",
        "easy listening", "sexy", "catchy", "funk", "electro", "heavy metal",
        "Progressive rock", "60s", "rnb", "indie pop", "sad", "House", "happy",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1, eps=_EPSILON)
        self.front = nn.ModuleList(_FrontBlock(*shape) for shape in _FRONT)
        channels = sum(filters for *_, filters in _FRONT)
        inputs = (channels, _MIDDLE, _MIDDLE)
        self.middle = nn.ModuleList(_MiddleBlock(width) for width in inputs)
        pooled = 2 * (channels + len(inputs) * _MIDDLE)
        self.pooled_norm = nn.BatchNorm1d(pooled, eps=_EPSILON)
        self.hidden = nn.Linear(pooled, _HIDDEN)
        self.hidden_norm = nn.BatchNorm1d(_HIDDEN, eps=_EPSILON)
        self.output = nn.Linear(_HIDDEN, len(self.TAGS))

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Return the logits of spectrograms; their sigmoid is the activation of a tag.

        Parameters
        ----------
        mel : torch.Tensor [shape=(n, 187, 96), dtype=float32]
            As from `patch_mel`, one a row.

        Returns
        -------
        torch.Tensor [shape=(n, 50), dtype=float32]
            One logit per tag, in the order of `TAGS`.

        Raises
        ------
        ModelError
            If the spectrograms have another shape.
        """
        return self.layers(mel)["logits"]

    def layers(self, mel: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the logits, and layers that represent music for other tasks.

        Parameters
        ----------
        mel : torch.Tensor [shape=(n, 187, 96), dtype=float32]
            As for `forward`.

        Returns
        -------
        dict of str to torch.Tensor
            `logits` [shape=(n, 50)]; `mean` and `max` [shape=(n, 64)], over time, of
            the last convolution with its residual connection; `penultimate`
            [shape=(n, 200)], the hidden layer after batch normalisation.

        Raises
        ------
        ModelError
            If the spectrograms have another shape.
        """
        if mel.shape[1:] != (self.PATCH_FRAMES, self.N_MELS):
            raise ModelError(
                f"MusiCNN takes spectrograms of {self.PATCH_FRAMES} frames and {self.N_MELS} mel "
                f"bands, but these have the shape {tuple(mel.shape)}; compute them with patch_mel."
            )
        # One at a time: the maps of the front end, 24 MB each, take twice as long in a batch.
        features = [torch.cat([self._front(one) for one in torch.split(mel, 1)])]
        for block in self.middle:
            output = block(features[-1])
            features.append(output if len(features) == 1 else output + features[-1])
        everything = torch.cat(features, dim=1)
        highest, mean = everything.amax(dim=2), everything.mean(dim=2)
        # The two alternate in the input of the hidden layer.
        pooled = self.pooled_norm(torch.stack([highest, mean], dim=2).flatten(1))
        hidden = self.hidden_norm(functional.relu(self.hidden(pooled)))
        return {
            "logits": self.output(hidden),
            "mean": mean[:, -_MIDDLE:],
            "max": highest[:, -_MIDDLE:],
            "penultimate": hidden,
        }

    def _front(self, mel: torch.Tensor) -> torch.Tensor:
        image = self.norm(mel.unsqueeze(1))
        return torch.cat([block(image) for block in self.front], dim=1)


class _FrontBlock(nn.Module):
    """Convolution over time and frequency, and the maximum over frequency."""

    def __init__(self, n_frames: int, n_mels: int, filters: int) -> None:
        super().__init__()
        # The output has as many frames as the input; of the padding of an even kernel, the
        # larger half comes last.
        self.padding = (0, 0, (n_frames - 1) // 2, n_frames // 2)
        self.conv = nn.Conv2d(1, filters, (n_frames, n_mels))
        self.norm = nn.BatchNorm2d(filters, eps=_EPSILON)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return features [shape=(n, filters, frames)]."""
        # The maximum comes after ReLU and normalisation. Both are monotone, and so can follow it
        # instead, on a small part of the data; a negative scale makes it the minimum.
        sign = self.norm.weight.sign()[:, None]
        kernels = self.conv.weight * sign[:, :, None, None]
        padded = functional.pad(image, self.padding)
        if kernels.shape[3] == 1:
            highest = functional.conv2d(padded, kernels).amax(dim=3)
        else:
            highest = torch.stack([_highest(one[0], kernels[:, 0]) for one in padded])
        biased = highest * sign + torch.as_tensor(self.conv.bias)[:, None]
        return self.norm(functional.relu(biased).unsqueeze(3)).squeeze(3)


def _highest(image: torch.Tensor, kernels: torch.Tensor) -> torch.Tensor:
    """Return the maximum over bands of a convolution over time and bands.

    The convolution over bands, whose kernels are long, is a product of Fourier transforms;
    only the outputs that need no padding are transformed back. A few frames at a time stay
    in the processor's cache. Together this takes 60 % of the time of a direct convolution.

    Parameters
    ----------
    image : torch.Tensor [shape=(padded frames, n_mels)]
        The input, padded over time.
    kernels : torch.Tensor [shape=(filters, frames, height)]
        The kernels.

    Returns
    -------
    torch.Tensor [shape=(filters, frames)]
        The maxima.
    """
    filters, n_frames, height = kernels.shape
    n_mels = image.shape[1]
    # Complex numbers as pairs of real ones, so that one real product does all.
    spectra = torch.fft.rfft(kernels, n=n_mels).conj().permute(2, 1, 0)
    real, imaginary = spectra.real, spectra.imag
    product = torch.cat([torch.cat([real, -imaginary], 1), torch.cat([imaginary, real], 1)])
    frames = torch.fft.rfft(image).unfold(0, n_frames, 1).permute(1, 0, 2)
    pairs = torch.cat([frames.real, frames.imag], 2).repeat(2, 1, 1)
    inverse = _inverse_dft(n_mels, n_mels - height + 1)
    parts = [
        (inverse @ torch.bmm(part, product).flatten(1)).amax(dim=0).view(-1, filters)
        for part in torch.split(pairs, _FRAMES_AT_A_TIME, dim=1)
    ]
    return torch.cat(parts).T


# Cached, and so it must also serve where gradients are computed.
@functools.cache
@torch.inference_mode(False)
def _inverse_dft(length: int, outputs: int) -> torch.Tensor:
    """Return the matrix from real and imaginary parts of a spectrum to its first outputs."""
    turns = torch.outer(torch.arange(outputs), torch.arange(length // 2 + 1)) / length
    # Each but the first and the last bin stands for two.
    weights = torch.full((length // 2 + 1,), 2.0 / length)
    weights[0] = weights[-1] = 1 / length
    angles = 2 * math.pi * turns
    return torch.cat([angles.cos() * weights, -angles.sin() * weights], dim=1)


class _MiddleBlock(nn.Module):
    """Convolution over time."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, _MIDDLE, 7, padding=3)
        self.norm = nn.BatchNorm1d(_MIDDLE, eps=_EPSILON)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return features [shape=(n, 64, frames)]."""
        return self.norm(functional.relu(self.conv(features)))


def load_musicnn() -> MusiCNN:
    """Return the network with the weights that come with the package.

    They are stored in half precision, those of batch normalisation aside, and have
    single precision in memory.

    Returns
    -------
    MusiCNN
        In evaluation mode; no gradients are computed for its weights.

    Raises
    ------
    ModelError
        If the weights are missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    # The initial weights are random and replaced; the global random state stays the same.
    with torch.random.fork_rng(devices=[]):
        net = MusiCNN()
    try:
        net.load_state_dict({name: w.float() for name, w in load_file(WEIGHTS).items()})
    except (SafetensorError, OSError, RuntimeError) as error:
        raise ModelError(f"{WEIGHTS}: is missing or damaged; install gtzan-lib again.") from error
    return net.eval().requires_grad_(False)


def log_mel(y: np.ndarray, n_frames: int | None = None, *, context: bool = False) -> np.ndarray:
    """Return the logarithm of the mel spectrogram, as the network takes it.

    Parameters
    ----------
    y : np.ndarray [shape=(samples,), dtype=float32]
        Sound at 16 kHz, full scale 1.
    n_frames : int, optional
        Number of frames; where the sound ends before, it is followed by zeros.
        Default: as many as the sound has.
    context : bool
        Whether the first and last 256 samples are context. If not, zeros take their
        place, as at the ends of a file. If so, frames equal those of the sound from
        which `y` was cut, up to rounding.

    Returns
    -------
    np.ndarray [shape=(frames, 96), dtype=float32]
        log10(1 + 10000 * power), lowest band first. Frame `i` is centred at sample
        `256 * i`, context not counted.

    Raises
    ------
    ArrayError
        If the sound has more axes than one, or no samples.
    """
    y = np.asarray(y, dtype=np.float32)
    n_fft, hop_length = MusiCNN.N_FFT, MusiCNN.HOP
    if y.ndim != 1 or not y.size:
        raise ArrayError(f"the sound has the shape {y.shape}; give one channel of samples.")
    ends = 0 if context else MusiCNN.CONTEXT
    needed = 0 if n_frames is None else (n_frames - 1) * hop_length + n_fft
    padded = np.pad(y, (ends, max(ends, needed - ends - len(y))))
    if len(padded) < n_fft:
        raise ArrayError(f"the sound has {len(y)} samples; with context it has at least {n_fft}.")
    framed = frames(padded, n_fft=n_fft, hop_length=hop_length)[:n_frames]
    mel = power(framed * hann(n_fft)) @ _mel_weights().T
    # Equal to log10(1 + 10000 x), with more digits where x is small.
    return np.log1p(10000 * mel) / np.float32(np.log(10))


def patch_mel(window: np.ndarray) -> np.ndarray:
    """Return the input of the network for one window of sound.

    Parameters
    ----------
    window : np.ndarray [shape=(48128,), dtype=float32]
        Sound at 16 kHz with context, as from `cut_patch`: the samples from 256
        before the window's start to 47872 after it.

    Returns
    -------
    np.ndarray [shape=(187, 96), dtype=float32]
        As from `log_mel`. It equals the frames of the whole sound's spectrogram if
        the window starts at a multiple of 256 samples.

    Raises
    ------
    ArrayError
        If the window has another shape.
    """
    if np.shape(window) != (MusiCNN.PATCH_SAMPLES,):
        raise ArrayError(
            f"the window has the shape {np.shape(window)}; give {MusiCNN.PATCH_SAMPLES} samples, "
            f"of which {MusiCNN.CONTEXT} at each end are context."
        )
    return log_mel(window, context=True)


def cut_patch(y: np.ndarray, start: int) -> np.ndarray:
    """Return a window of sound with its context.

    Parameters
    ----------
    y : np.ndarray [shape=(samples,)]
        Sound at 16 kHz.
    start : int
        The window's first sample.

    Returns
    -------
    np.ndarray [shape=(48128,)]
        The samples from `start - 256` on, with zeros where there is no sound.
    """
    samples = MusiCNN.PATCH_SAMPLES - MusiCNN.CONTEXT
    return cut(y, start, samples, before=MusiCNN.CONTEXT)


@functools.cache
def _mel_weights() -> np.ndarray:
    return mel_weights(sample_rate=MusiCNN.SAMPLE_RATE, n_fft=MusiCNN.N_FFT, n_mels=MusiCNN.N_MELS)


# --- sample rates ----------------------------------------------------------------

# Zero crossings of the sinc on each side, its cut-off as a share of half the lower rate, and the
# window's shape: `kaiser_best` of resampy 0.2. Of all filters tried, the tags of this one are
# nearest to those that the author published.
_CROSSINGS, _ROLLOFF, _BETA = 64, 0.9475937167399596, 14.769656459379492
# Samples of a block, at least, and blocks that are filtered at a time.
_BLOCK, _BLOCKS = 441, 1000
# Rates that have a small ratio to 16 kHz fit in a matrix; others are changed to this one first.
_LARGEST_RATIO, _USUAL_RATE = 1000, 44100


class KaiserResampler:
    """Resampler to 16 kHz of sound that arrives in pieces, with the author's filter.

    The top mel bands depend on the filter's cut-off. With soxr's HQ filter, tags differ
    seven times as much from those that the net's author published.

    Parameters
    ----------
    source : int
        Sample rate of the sound in Hz.

    See Also
    --------
    resample_kaiser : The same for a whole sound.
    gtzan_lib.data.audio.Resampler : Another filter, with the same methods.

    References
    ----------
    J. O. Smith, "Digital audio resampling home page", CCRMA, Stanford University,
    2002. The constants are those of resampy 0.2, the default of librosa before 0.10.
    """

    def __init__(self, source: int) -> None:
        from ..data.audio import Resampler

        target = MusiCNN.SAMPLE_RATE
        usual = max(source, target) // math.gcd(source, target) <= _LARGEST_RATIO
        rate = source if usual else _USUAL_RATE
        self._before = Resampler(source, rate)
        self._same = rate == target
        divisor = math.gcd(rate, target)
        factor = -(-_BLOCK // (rate // divisor))
        self._up, self._down = factor * target // divisor, factor * rate // divisor
        self._filters = _kaiser_filters(self._up, self._down)
        self._reach = (len(self._filters) - self._down) // 2
        self._waiting = np.zeros(self._reach, dtype=np.float32)
        self._samples = self._sent = 0

    def push(self, y: np.ndarray) -> np.ndarray:
        """Resample the next samples.

        Parameters
        ----------
        y : np.ndarray [shape=(n,), dtype=float32]
            Mono, at the source's rate.

        Returns
        -------
        np.ndarray [dtype=float32]
            Samples at 16 kHz that are complete, a little behind `y`.
        """
        return self._filtered(self._before.push(np.asarray(y, dtype=np.float32)))

    def finish(self) -> np.ndarray:
        """Return the last samples."""
        last = self._filtered(self._before.finish())
        if self._same:
            return last
        missing = -(-self._samples * self._up // self._down) - self._sent
        zeros = np.zeros(len(self._filters) + self._down, dtype=np.float32)
        return np.concatenate([last, self._filtered(zeros)[:missing]])

    def _filtered(self, y: np.ndarray) -> np.ndarray:
        if self._same:
            return y
        self._samples += len(y)
        self._waiting = np.concatenate([self._waiting, y])
        width, pieces = len(self._filters), [np.zeros(0, dtype=np.float32)]
        while len(self._waiting) >= width:
            # A piece is copied, since blocks overlap.
            piece = self._waiting[: width + (_BLOCKS - 1) * self._down]
            blocks = np.ascontiguousarray(frames(piece, n_fft=width, hop_length=self._down))
            pieces.append((blocks @ self._filters).ravel())
            self._waiting = self._waiting[len(blocks) * self._down :]
        result = np.concatenate(pieces)
        self._sent += len(result)
        return result


def resample_kaiser(y: np.ndarray, source: int) -> np.ndarray:
    """Change the sample rate to 16 kHz with the filter of the net's author.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Mono samples.
    source : int
        Their rate in Hz.

    Returns
    -------
    np.ndarray [shape=(ceil(n * 16000 / source),), dtype=float32]
        Samples at 16 kHz.
    """
    resampler = KaiserResampler(source)
    return np.concatenate([resampler.push(y), resampler.finish()])


@functools.cache
def _kaiser_filters(up: int, down: int) -> np.ndarray:
    """Return the weights of a block's samples, a column per output sample of the block.

    A block has `down` samples; those before and after it that a filter reaches come
    first and last.
    """
    ratio = min(1.0, up / down)
    reach = math.ceil(_CROSSINGS / ratio)
    samples = np.arange(-reach, down + reach)
    crossings = (samples[:, None] - np.arange(up) * (down / up)) * ratio
    window = np.i0(_BETA * np.sqrt(np.maximum(0, 1 - (crossings / _CROSSINGS) ** 2)))
    window = np.where(np.abs(crossings) < _CROSSINGS, window / np.i0(_BETA), 0)
    return (ratio * _ROLLOFF * np.sinc(_ROLLOFF * crossings) * window).astype(np.float32)
