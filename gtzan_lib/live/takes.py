"""Takes: recordings that are kept, each in a folder of its own."""

from __future__ import annotations

import dataclasses
import io
import json
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

__all__ = ["Take", "load_take", "require_method", "require_room", "save_take"]

RAW, DENOISED, NOISE, SETTINGS = "raw.wav", "denoised.wav", "noise.wav", "take.json"
_PICTURES_BYTES = 4_000_000


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Take:
    """A recording that was kept, and what was made of it.

    Attributes
    ----------
    folder : Path
        Where it is.
    raw : np.ndarray [shape=(n,), dtype=float32]
        All that was heard, mono, with the quiet at its beginning.
    denoised : np.ndarray [shape=(m,), dtype=float32] or None
        The music without its noise; None where that could not be taken away.
    sample_rate : int
        Of both, in Hz.
    settings : dict
        Its `take.json`.
    """

    folder: Path
    raw: np.ndarray
    denoised: np.ndarray | None
    sample_rate: int
    settings: dict[str, Any]

    def __repr__(self) -> str:
        length = f"{len(self.raw) / self.sample_rate:.1f} s at {self.sample_rate} Hz"
        told = self.prediction["genre"] if self.prediction else "no prediction"
        return f"Take({str(self.folder)!r}: {length}; {told})"

    @property
    def prediction(self) -> dict[str, Any] | None:
        """What a model said: `genre`, `probabilities` and more; None where none was asked."""
        return self.settings.get("prediction")


def save_take(
    folder: str | Path,
    recording: Recording,
    *,
    model: Model | None = None,
    noise: np.ndarray | None = None,
    method: str = "wiener",
) -> Take:
    """Keep a recording in a new folder, take its noise away, and tell its genre.

    The folder is `take-001`, or the next number that is free, also where several
    processes save at the same time; what is there is never touched. First of all
    `raw.wav` is written.

    Parameters
    ----------
    folder : str or Path
        Holds the takes; is made if missing.
    recording : Recording
        What was heard.
    model : Model, optional
        Tells the genre of the music, and makes the images that are saved.
    noise : np.ndarray [shape=(n,), dtype=float32], optional
        Noise alone, at the recording's rate. Default: the quiet at its beginning.
    method : str
        How noise is taken away, one of `gtzan_lib.signal.denoise.METHODS`.

    Returns
    -------
    Take
        With its folder, which holds `raw.wav`, all as it was heard;
        `denoised.wav`, the music without noise; `noise.wav` where noise was
        given; pictures `noisy.png`, `noise.png` and `denoised.png`, with one
        scale; `spectrogram.npy`, the model's images; and `take.json`, which
        also says what was left out and why.

    Raises
    ------
    LiveError
        If the folder cannot be written, or there is no such method. What was
        written until then stays.

    Warns
    -----
    GtzanWarning
        If noise could not be taken away, the model could not tell the genre, or
        samples were no numbers.
    """
    path = _new_folder(Path(folder))
    try:
        _write_sound(path / RAW, recording.y, recording.sample_rate)
    except LiveError:
        # No one needs an empty take.
        with suppress(OSError):
            path.rmdir()
        raise
    settings = _settings(recording, method)
    # At once, so that also a take that is broken off can be read.
    _write_settings(path, settings)
    require_method(method)
    rate, music = recording.sample_rate, _clean(recording.music)
    own = noise is None
    profile = _clean(recording.noise if own else np.asarray(noise, dtype=np.float32))
    settings["noise"] = "the recording's beginning" if own else NOISE
    if not own:
        _write_sound(path / NOISE, profile, rate)
    denoised = _denoise(music, rate, profile, method, settings)
    if denoised is not None:
        _write_sound(path / DENOISED, denoised, rate)
        settings["denoised"] = True
    _draw(path, rate, {"noisy": music, "noise": profile, "denoised": denoised}, method)
    if model is not None:
        settings["model"] = model.name
        _ask(model, music if denoised is None else denoised, rate, path, settings)
    _write_settings(path, settings)
    for trouble in settings["left_out"]:
        warnings.warn(f"{path}: {trouble}", GtzanWarning, stacklevel=2)
    return Take(
        folder=path, raw=recording.y, denoised=denoised, sample_rate=rate, settings=settings
    )


def load_take(folder: str | Path) -> Take:
    """Read a take back.

    Parameters
    ----------
    folder : str or Path
        The take's own folder, `.../take-001`.

    Returns
    -------
    Take
        As it was saved.

    Raises
    ------
    LiveError
        If there is no take in that folder.
    AudioError
        If its sound cannot be decoded.
    """
    folder = Path(folder)
    file = folder / SETTINGS
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(settings, dict):
            raise ValueError("it holds no settings")
    except (OSError, ValueError) as error:
        raise LiveError(
            f"{file}: cannot be read ({audio.reason_of(error)}); name the folder of one take, "
            "such as takes/take-001."
        ) from error
    raw, rate = audio.load(folder / RAW)
    denoised = audio.load(folder / DENOISED)[0] if settings.get("denoised") else None
    return Take(folder=folder, raw=raw, denoised=denoised, sample_rate=rate, settings=settings)


def require_room(folder: str | Path, seconds: float, *, sample_rate: int = 48_000) -> None:
    """Refuse a folder that has no room for a take, before there is one to lose.

    Parameters
    ----------
    folder : str or Path
        Is to hold the takes; is made if missing.
    seconds : float
        Length of the recording.
    sample_rate : int
        Its rate in Hz, at most.

    Raises
    ------
    LiveError
        If the folder cannot be made or written, or its disk is too full.
    """
    folder = Path(folder)
    needed = 2 * 4 * sample_rate * seconds + _PICTURES_BYTES
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Permissions alone do not tell of disks that are mounted to be read only.
        with tempfile.TemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise _unwritable(folder, error) from error
    if free < needed:
        raise LiveError(
            f"{folder}: has {free / 1e6:.0f} MB free, and a take of {seconds:g} s needs "
            f"{needed / 1e6:.0f}; free some, or name a folder on another disk."
        )


def require_method(method: str) -> None:
    """Refuse a method of taking noise away that there is not.

    Parameters
    ----------
    method : str
        One of `gtzan_lib.signal.denoise.METHODS`.

    Raises
    ------
    LiveError
        If it is none of them.
    """
    from ..signal.denoise import METHODS

    if method not in METHODS:
        raise LiveError(
            f"there is no method {method!r} that takes noise away; choose one of "
            f"{', '.join(METHODS)}."
        )


def _new_folder(folder: Path) -> Path:
    """Make the next take's folder; that it can be made but once decides who has the number."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = (re.fullmatch(r"take-(\d+)", each.name) for each in folder.iterdir())
        number = max((int(found[1]) for found in taken if found), default=0)
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
    loud = levels(recording.y)
    bad = int(np.count_nonzero(~np.isfinite(recording.y)))
    return {
        "when": datetime.now().astimezone().isoformat(timespec="seconds"),
        "device": recording.device,
        "sample_rate": recording.sample_rate,
        "seconds": len(recording.music) / recording.sample_rate,
        "lead_s": len(recording.noise) / recording.sample_rate,
        "complete": recording.complete,
        "overflows": recording.overflows,
        # JSON has no word for the level of silence.
        "peak_db": round(loud.peak_db, 2) if math.isfinite(loud.peak_db) else None,
        "rms_db": round(loud.rms_db, 2) if math.isfinite(loud.rms_db) else None,
        "clipping": loud.clipping,
        "method": method,
        "noise": None,
        "denoised": False,
        "model": None,
        "prediction": None,
        "left_out": [f"{bad} samples are no numbers and count as silence."] if bad else [],
    }


def _denoise(
    music: np.ndarray, rate: int, profile: np.ndarray, method: str, settings: dict[str, Any]
) -> np.ndarray | None:
    """Take the noise away, or note why not."""
    from ..signal.denoise import denoise

    try:
        if not len(profile):
            raise LiveError(
                "there is no noise alone to learn from; record with a lead, or give noise."
            )
        if not len(music):
            raise LiveError("it was stopped before the music; record again.")
        return denoise(music, rate, profile, method=method)
    except GtzanError as error:
        settings["left_out"].append(f"its noise was not taken away: {error}")
        return None


def _draw(path: Path, rate: int, sounds: dict[str, np.ndarray | None], method: str) -> None:
    """Write the pictures, all with the scale of the first that there is."""
    there = {name: y for name, y in sounds.items() if y is not None and len(y)}
    titles = {"noisy": "as heard", "noise": "noise", "denoised": f"without noise ({method})"}
    reference = peak_power(next(iter(there.values()))) if there else None
    for name, y in there.items():
        figure = spectrogram_figure(y, rate, title=titles[name], reference=reference)
        _write(path / f"{name}.png", png_bytes(figure))


def _ask(model: Model, music: np.ndarray, rate: int, path: Path, settings: dict[str, Any]) -> None:
    """Ask a model about the music, or note why it cannot tell."""
    try:
        images = model.images(music, rate)
        stream = io.BytesIO()
        np.save(stream, images)
        _write(path / "spectrogram.npy", stream.getvalue())
        settings["prediction"] = model.predict(music, sample_rate=rate).as_dict()
    except LiveError:
        raise
    except GtzanError as error:
        settings["left_out"].append(f"its genre was not told: {error}")


def _clean(y: np.ndarray) -> np.ndarray:
    """Put silence where samples are no numbers."""
    return y if np.isfinite(y).all() else np.nan_to_num(y, nan=0.0, posinf=0.0, neginf=0.0)


def _write_sound(path: Path, y: np.ndarray, rate: int) -> None:
    """Write samples as they are: floats, which neither clip nor round."""
    import soundfile

    stream = io.BytesIO()
    soundfile.write(stream, y, rate, format="WAV", subtype="FLOAT")
    _write(path, stream.getvalue())


def _write_settings(path: Path, settings: dict[str, Any]) -> None:
    text = json.dumps(settings, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    _write(path / SETTINGS, text.encode())


def _write(path: Path, content: bytes) -> None:
    """Write a file whole.

    All goes through here, as bytes: libraries that write files themselves say
    little, or nothing, where a disk is full.
    """
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        there = sorted(file.name for file in path.parent.glob("[!.]*"))
        held = f"{path.parent} holds {', '.join(there)}" if there else "nothing was saved"
        raise LiveError(
            f"{path}: cannot be written ({audio.reason_of(error)}); the recording is still in "
            f"memory, so make room or name another folder, and save it again; {held}."
        ) from error


def _unwritable(folder: Path, error: OSError) -> LiveError:
    return LiveError(
        f"{folder}: cannot hold takes ({audio.reason_of(error)}); name a folder that can be "
        "written."
    )
