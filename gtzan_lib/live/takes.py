"""Takes: saved recordings, each in its own folder."""

from __future__ import annotations

import dataclasses
import io
import math
import re
import shutil
import tempfile
import warnings
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import audio
from ..errors import GtzanError, GtzanWarning, LiveError
from ..files import atomic_path
from .images import peak_power, png_bytes, spectrogram_figure
from .meter import levels

if TYPE_CHECKING:
    from ..inference.model import Model
    from .microphone import Recording

__all__ = ["Take", "load_take", "require_denoising_method", "require_disk_space", "save_take"]

RAW, DENOISED, NOISE, SETTINGS = "raw.wav", "denoised.wav", "noise.wav", "take.json"
_FIGURES_BYTES = 4_000_000


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Take:
    """A saved recording with its denoised sound and its prediction.

    Attributes
    ----------
    folder : Path
        Folder of the take.
    raw : np.ndarray [shape=(n,), dtype=float32]
        The whole recording, mono, with its lead.
    denoised : np.ndarray [shape=(m,), dtype=float32] or None
        The denoised music; None if denoising was not possible.
    sample_rate : int
        Sample rate of both in Hz.
    settings : dict
        Content of its `take.json`.
    """

    folder: Path
    raw: np.ndarray
    denoised: np.ndarray | None
    sample_rate: int
    settings: dict[str, Any]

    def __repr__(self) -> str:
        length = f"{len(self.raw) / self.sample_rate:.1f} s at {self.sample_rate} Hz"
        genre = self.prediction["genre"] if self.prediction else "no prediction"
        return f"Take({str(self.folder)!r}: {length}; {genre})"

    @property
    def prediction(self) -> dict[str, Any] | None:
        """The prediction as in `Prediction.as_dict`; None without a model."""
        return self.settings["prediction"]


def save_take(
    folder: str | Path,
    recording: Recording,
    *,
    model: Model | None = None,
    noise: np.ndarray | None = None,
    method: str = "wiener",
) -> Take:
    """Save a recording in a new folder, denoise it, and predict its genre.

    The folder is `take-001`, or the next free number, also if several processes
    save at the same time. Existing takes are never changed. `raw.wav` is written
    first.

    Parameters
    ----------
    folder : str or Path
        Folder of the takes; created if missing.
    recording : Recording
        The recording.
    model : Model, optional
        Predicts the genre of the music; its images are saved.
    noise : np.ndarray [shape=(n,), dtype=float32], optional
        Noise alone, at the rate of the recording. Default: the recording's lead.
    method : str
        Denoising method, one of `gtzan_lib.signal.denoise.METHODS`.

    Returns
    -------
    Take
        The take. Its folder holds `raw.wav`, the whole recording; `denoised.wav`,
        the denoised music; `noise.wav` if noise was given; the spectrograms
        `noisy.png`, `noise.png` and `denoised.png` with the same scale;
        `spectrogram.npy`, the model's images; and `take.json`, which also lists
        what was left out and why.

    Raises
    ------
    LiveError
        If the folder cannot be written, or the method is unknown. Files that were
        written before the error remain.

    Warns
    -----
    GtzanWarning
        If denoising or the prediction was not possible, or samples were not
        finite.
    """
    path = _new_folder(Path(folder))
    try:
        _write_sound(path / RAW, recording.y, recording.sample_rate)
    except LiveError:
        # Removes the empty folder.
        with suppress(OSError):
            path.rmdir()
        raise
    settings = _settings(recording, method)
    # Written before the rest, so that an interrupted take can be loaded.
    _write_settings(path, settings)
    require_denoising_method(method)
    rate, music = recording.sample_rate, _clean(recording.music)
    use_lead = noise is None
    profile = _clean(recording.noise if use_lead else np.asarray(noise, dtype=np.float32))
    settings["noise"] = "the recording's beginning" if use_lead else NOISE
    if not use_lead:
        _write_sound(path / NOISE, profile, rate)
    denoised = _denoise(music, rate, profile, method, settings)
    if denoised is not None:
        _write_sound(path / DENOISED, denoised, rate)
        settings["denoised"] = True
    _draw(path, rate, {"noisy": music, "noise": profile, "denoised": denoised}, method)
    if model is not None:
        settings["model"] = model.name
        _predict(model, music if denoised is None else denoised, rate, path, settings)
    _write_settings(path, settings)
    for reason in settings["left_out"]:
        warnings.warn(f"{path}: {reason}", GtzanWarning, stacklevel=2)
    return Take(
        folder=path, raw=recording.y, denoised=denoised, sample_rate=rate, settings=settings
    )


def load_take(folder: str | Path) -> Take:
    """Load a saved take.

    Parameters
    ----------
    folder : str or Path
        Folder of the take, such as `takes/take-001`.

    Returns
    -------
    Take
        The take.

    Raises
    ------
    LiveError
        If there is no take in that folder.
    AudioError
        If its audio files cannot be decoded.
    """
    from ..documents import TakeDocument, read_document

    folder = Path(folder)
    settings = read_document(folder / SETTINGS, TakeDocument)
    raw, rate = audio.load(folder / RAW)
    denoised = audio.load(folder / DENOISED)[0] if settings["denoised"] else None
    return Take(folder=folder, raw=raw, denoised=denoised, sample_rate=rate, settings=settings)


def require_disk_space(folder: str | Path, seconds: float, *, sample_rate: int = 48_000) -> None:
    """Check before a recording that a take can be saved in a folder.

    Parameters
    ----------
    folder : str or Path
        Folder of the takes; created if missing.
    seconds : float
        Length of the recording.
    sample_rate : int
        Maximum sample rate in Hz.

    Raises
    ------
    LiveError
        If the folder cannot be created or written, or its disk is too full.
    """
    folder = Path(folder)
    needed = 2 * 4 * sample_rate * seconds + _FIGURES_BYTES
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Permissions do not show that a disk is mounted read-only.
        with tempfile.TemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise _unwritable(folder, error) from error
    if free < needed:
        raise LiveError(
            f"{folder}: has {free / 1e6:.0f} MB free, and a take of {seconds:g} s needs "
            f"{needed / 1e6:.0f} MB; delete files or choose a folder on another disk."
        )


def require_denoising_method(method: str) -> None:
    """Check that a denoising method exists.

    Parameters
    ----------
    method : str
        One of `gtzan_lib.signal.denoise.METHODS`.

    Raises
    ------
    LiveError
        If the method is unknown.
    """
    from ..signal.denoise import METHODS

    if method not in METHODS:
        raise LiveError(
            f"there is no denoising method {method!r}; choose one of {', '.join(METHODS)}."
        )


def _new_folder(folder: Path) -> Path:
    """Create the next folder; `mkdir` fails if another process has created it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        matches = (re.fullmatch(r"take-(\d+)", entry.name) for entry in folder.iterdir())
        number = max((int(match[1]) for match in matches if match), default=0)
        while True:
            number += 1
            path = folder / f"take-{number:03d}"
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return path
    except OSError as error:
        raise _unwritable(folder, error) from error


def _settings(recording: Recording, method: str) -> dict[str, Any]:
    from ..documents import TakeDocument

    measured = levels(recording.y)
    bad = int(np.count_nonzero(~np.isfinite(recording.y)))
    return {
        "version": TakeDocument.VERSION,
        "when": datetime.now().astimezone().isoformat(timespec="seconds"),
        "device": recording.device,
        "sample_rate": recording.sample_rate,
        "seconds": len(recording.music) / recording.sample_rate,
        "lead_s": len(recording.noise) / recording.sample_rate,
        "complete": recording.complete,
        "overflows": recording.overflows,
        # JSON has no infinity, the level of silence.
        "peak_db": round(measured.peak_db, 2) if math.isfinite(measured.peak_db) else None,
        "rms_db": round(measured.rms_db, 2) if math.isfinite(measured.rms_db) else None,
        "clipping": measured.clipping,
        "method": method,
        "noise": None,
        "denoised": False,
        "model": None,
        "prediction": None,
        "left_out": [f"{bad} samples are not finite and count as silence."] if bad else [],
    }


def _denoise(
    music: np.ndarray, rate: int, profile: np.ndarray, method: str, settings: dict[str, Any]
) -> np.ndarray | None:
    """Denoise the music, or note the reason why not."""
    from ..signal.denoise import denoise

    try:
        if not len(profile):
            raise LiveError(
                "there is no sample of the noise alone; record with a lead, or give noise."
            )
        if not len(music):
            raise LiveError("the recording stopped before the music; record again.")
        return denoise(music, rate, profile, method=method)
    except GtzanError as error:
        settings["left_out"].append(f"it was not denoised: {error}")
        return None


def _draw(path: Path, rate: int, sounds: dict[str, np.ndarray | None], method: str) -> None:
    """Write the spectrogram figures, all with the scale of the first."""
    audible = {name: y for name, y in sounds.items() if y is not None and len(y)}
    titles = {"noisy": "recorded", "noise": "noise", "denoised": f"denoised ({method})"}
    reference = peak_power(next(iter(audible.values()))) if audible else None
    for name, y in audible.items():
        figure = spectrogram_figure(y, rate, title=titles[name], reference=reference)
        _write(path / f"{name}.png", png_bytes(figure))


def _predict(
    model: Model, music: np.ndarray, rate: int, path: Path, settings: dict[str, Any]
) -> None:
    """Predict the genre of the music, or note the reason why not."""
    # It loads PyTorch, which recording does not need.
    from ..inference.image_model import ImageModel

    try:
        if isinstance(model, ImageModel):
            stream = io.BytesIO()
            np.save(stream, model.images(music, rate))
            _write(path / "spectrogram.npy", stream.getvalue())
        settings["prediction"] = model.predict(music, sample_rate=rate).as_dict()
    except LiveError:
        raise
    except GtzanError as error:
        settings["left_out"].append(f"its genre was not predicted: {error}")


def _clean(y: np.ndarray) -> np.ndarray:
    """Replace samples that are not finite by silence."""
    return y if np.isfinite(y).all() else np.nan_to_num(y, nan=0.0, posinf=0.0, neginf=0.0)


def _write_sound(path: Path, y: np.ndarray, rate: int) -> None:
    """Write samples as floats, which are neither clipped nor rounded."""
    import soundfile

    stream = io.BytesIO()
    soundfile.write(stream, y, rate, format="WAV", subtype="FLOAT")
    _write(path, stream.getvalue())


def _write_settings(path: Path, settings: dict[str, Any]) -> None:
    from ..documents import TakeDocument, encode_document

    _write(path / SETTINGS, encode_document(settings, TakeDocument))


def _write(path: Path, content: bytes) -> None:
    """Write a file atomically.

    Libraries that write files themselves report full disks poorly or not at all, so
    that all files are written here, as bytes.
    """
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        names = sorted(file.name for file in path.parent.glob("[!.]*"))
        saved = f"{path.parent} holds {', '.join(names)}" if names else "nothing was saved"
        raise LiveError(
            f"{path}: cannot be written ({audio.reason_of(error)}); the recording is still in "
            f"memory, so free disk space or choose another folder, and save it again; {saved}."
        ) from error


def _unwritable(folder: Path, error: OSError) -> LiveError:
    return LiveError(
        f"{folder}: cannot be used for takes ({audio.reason_of(error)}); choose a folder that "
        "can be written."
    )
