"""Spectrograms of a whole corpus, in one folder on disk."""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ..data import audio, logmels
from ..data.arguments import require_corpus
from ..data.corpus import Corpus, ImageCorpus
from ..data.windows import window_table
from ..data.workspace import Workspace
from ..digests import package_digest
from ..errors import AudioError, CorpusError, GtzanWarning, StoreError
from ..files import atomic_path, file_stem, write_json
from ..progress import progress_bar
from .recipes import Recipe
from .spectrograms import from_log_mels, spectrograms, windows_of

__all__ = ["SpectrogramStore"]

# Ids and genres may look like numbers, but are text.
COLUMNS = {"window_id": str, "track_id": str, "genre": str, "start_s": float}


@dataclasses.dataclass(frozen=True, eq=False)
class SpectrogramStore:
    """The images of all windows of a corpus, as a folder.

    `images.npy` is opened as a memory map, so that only the rows in use are read;
    `windows.csv` lists the window of each row, and `recipe.json` has the recipe.

    Attributes
    ----------
    path : Path
        The folder.
    images : np.ndarray [shape=(windows, height, width), dtype=uint8]
        Frequency by time, lowest frequency first; a read-only memory map.
    windows : pd.DataFrame
        `window_id, track_id, genre, start_s`, in the order of `images`.
    recipe : Recipe
        How the images were made.
    """

    path: Path
    images: np.ndarray
    windows: pd.DataFrame
    recipe: Recipe

    def __len__(self) -> int:
        return len(self.windows)

    def __repr__(self) -> str:
        return (
            f"SpectrogramStore({len(self)} windows of {self.windows['track_id'].nunique()} tracks, "
            f"{self.recipe.slug}, in {self.path.name})"
        )

    @property
    def genres(self) -> np.ndarray:
        """The genre of every window, as plain strings."""
        return self.windows["genre"].to_numpy(dtype=str)

    @classmethod
    def open(
        cls, path: str | Path, *, recipe: Recipe | None = None, corpus: Corpus | None = None
    ) -> SpectrogramStore:
        """Open a finished store.

        Parameters
        ----------
        path : str or Path
            Its folder.
        recipe : Recipe, optional
            The recipe it must have, such as that of a model.
        corpus : Corpus, optional
            The corpus it must have been built from.

        Returns
        -------
        SpectrogramStore
            The store; its images are not read yet.

        Raises
        ------
        StoreError
            If the folder is no store, is incomplete, or has another recipe or corpus.
        """
        path = Path(path)
        plan = _Plan.read(path)
        if plan is None:
            raise StoreError(
                f"{path}: is no spectrogram store; make one with SpectrogramStore.build(...)."
            )
        plan.refuse_other(recipe or plan.recipe, corpus.fingerprint if corpus else plan.fingerprint)
        missing = plan.missing()
        if missing:
            raise StoreError(
                f"{path}: is incomplete, {len(missing)} of {len(plan.tracks)} tracks are missing; "
                "build it again to go on where it stopped."
            )
        return cls(path, np.load(path / "images.npy", mmap_mode="r"), plan.windows, plan.recipe)

    @classmethod
    def build(
        cls,
        corpus: Corpus,
        recipe: Recipe,
        *,
        path: str | Path | None = None,
        work: Workspace | None = None,
        jobs: int = 1,
        progress: bool = True,
    ) -> SpectrogramStore:
        """Make the images of a corpus, or open the store if it exists.

        A build that was interrupted continues where it stopped, and ends with the
        same bytes. Two builds of one folder at the same time do the work once.

        Parameters
        ----------
        corpus : Corpus
            The tracks.
        recipe : Recipe
            How to make their images.
        path : str or Path, optional
            The store's folder. Default: one below `work.stores` that is named
            after recipe, size and the corpus' fingerprint.
        work : Workspace, optional
            The run that the default folder belongs to. Default: the corpus' own.
        jobs : int
            Threads on this machine. Inside
            `joblib.parallel_config(backend="dask")` the tracks go to the cluster.
        progress : bool
            Show a progress bar, if on a terminal.

        Returns
        -------
        SpectrogramStore
            The finished store.

        Raises
        ------
        StoreError
            If the folder holds another corpus or recipe, or cannot be written; or if the
            corpus is a file of log-mels that the recipe cannot be computed from.
        AudioError
            If a file cannot be decoded; the other tracks are kept.
        CorpusError
            If the corpus is a table of features, or no track has a window.

        Warns
        -----
        GtzanWarning
            If windows are left out, since samples are not finite numbers.
        """
        from filelock import FileLock

        require_corpus(corpus)
        if isinstance(corpus, ImageCorpus):
            _refuse_sound(corpus, recipe)
        else:
            corpus.require_audio()
        name = f"{recipe.slug}_{corpus.fingerprint}"
        path = Path(path) if path is not None else (work or corpus.work).stores / name
        # Before the lock, which is a file beside the folder.
        _refuse_foreign(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock")):
            _clear_outdated(path, corpus, recipe)
            plan = _Plan.read(path)
            if plan is None or not plan.matches(corpus, recipe):
                if isinstance(corpus, ImageCorpus):
                    # Only for a new store, since it reads the file.
                    _refuse_shape(corpus, recipe)
                try:
                    plan = _Plan.begin(path, corpus, recipe, previous=plan, jobs=jobs)
                except OSError as error:
                    raise _full(path, error) from error
            _fill(plan, corpus, jobs=jobs, progress=progress)
        return cls.open(path)

    def export_png(self, folder: str | Path) -> Path:
        """Write the images as PNG files, one folder per genre.

        Parameters
        ----------
        folder : str or Path
            Where to write `<genre>/<track>_win<i>.png`, grey, lowest frequency in row 0;
            ids of over 200 bytes are cut.

        Returns
        -------
        Path
            The same folder.

        Raises
        ------
        StoreError
            If a file cannot be written.
        """
        from PIL import Image

        folder = Path(folder)
        for row, window in enumerate(self.windows.itertuples()):
            number = window.window_id.rsplit(".", 1)[1]
            file = (
                folder / file_stem(window.genre) / f"{file_stem(window.track_id)}_win{number}.png"
            )
            try:
                with atomic_path(file) as temporary:
                    Image.fromarray(self.images[row]).save(temporary, format="PNG")
            except OSError as error:
                raise StoreError(
                    f"{file}: cannot be written ({error.strerror}); name another place."
                ) from error
        return folder


@dataclasses.dataclass(frozen=True, eq=False)
class _Plan:
    """The layout of a store's folder, which is fixed before the first image is written."""

    path: Path
    recipe: Recipe
    windows: pd.DataFrame
    fingerprint: str
    code: str

    @cached_property
    def tracks(self) -> dict[str, np.ndarray]:
        """The rows of each track, which are contiguous."""
        return self.windows.groupby("track_id", sort=False).indices

    def places(self) -> dict[str, int]:
        """Offsets in bytes of the images of each track in `images.npy`."""
        images = np.load(self.path / "images.npy", mmap_mode="r")
        size = self.recipe.height * self.recipe.width
        return {name: images.offset + rows[0] * size for name, rows in self.tracks.items()}

    @classmethod
    def read(cls, path: Path) -> _Plan | None:
        """Return the plan of a folder, or None where there is none."""
        try:
            values = json.loads((path / "recipe.json").read_text(encoding="utf-8"))
            table = pd.read_csv(path / "windows.csv", dtype=COLUMNS, keep_default_na=False)
            recipe = Recipe.from_dict(values["recipe"])
            images = np.load(path / "images.npy", mmap_mode="r")
            if list(table) != list(COLUMNS) or images.shape != _shape(table, recipe):
                raise ValueError("table and images do not belong together")
            return cls(path, recipe, table, values["corpus"], values["code"])
        except (FileNotFoundError, NotADirectoryError) as error:
            if not (path / "recipe.json").is_file():
                return None
            raise _damaged(path) from error
        except (ValueError, KeyError, TypeError, EOFError) as error:
            raise _damaged(path) from error

    @classmethod
    def begin(
        cls, path: Path, corpus: Corpus, recipe: Recipe, *, previous: _Plan | None, jobs: int
    ) -> _Plan:
        """Create the files of a new store, or again those of the same store by older code."""
        if previous is not None:
            previous.refuse_other(recipe, corpus.fingerprint)
        _refuse_foreign(path)
        for mark in (path / "done").glob("*"):
            mark.unlink()
        table = window_table(corpus, recipe.grid)
        if corpus.has_audio:
            table = _without_invalid(table, corpus, recipe, jobs)
        plan = cls(path, recipe, table, corpus.fingerprint, _code())
        with atomic_path(path / "windows.csv") as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n")
        shape = _shape(table, recipe)
        with atomic_path(path / "images.npy") as temporary:
            np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape).flush()
        (path / "done").mkdir(exist_ok=True)
        # Last: a folder is a store when it has this file.
        values = {"recipe": recipe.as_dict(), "corpus": plan.fingerprint, "code": plan.code}
        write_json(path / "recipe.json", values)
        return plan

    def refuse_other(self, recipe: Recipe, fingerprint: str) -> None:
        """Raise a `StoreError` if the store is not that of a recipe and a corpus."""
        if (self.recipe, self.fingerprint) != (recipe, fingerprint):
            raise StoreError(
                f"{self.path}: holds {self.recipe.slug} of corpus {self.fingerprint}, not "
                f"{recipe.slug} of {fingerprint}; choose another folder."
            )

    def matches(self, corpus: Corpus, recipe: Recipe) -> bool:
        """Return whether the store is that of a corpus and a recipe, by the present code."""
        expected = (recipe, corpus.fingerprint, _code())
        return (self.recipe, self.fingerprint, self.code) == expected

    def missing(self) -> list[str]:
        """Return the ids of the tracks that are not written yet."""
        done = {mark.name for mark in (self.path / "done").glob("*")}
        return [track_id for track_id in self.tracks if file_stem(track_id) not in done]


def _without_invalid(
    table: pd.DataFrame, corpus: Corpus, recipe: Recipe, jobs: int
) -> pd.DataFrame:
    """Leave out, and name, windows with samples that are not finite numbers.

    It is done before the layout of a store is fixed. Only files of floating-point
    samples are decoded.
    """
    import joblib

    starts_s = table.groupby("track_id", sort=False)["start_s"]
    tasks = (
        joblib.delayed(_invalid_windows)(corpus.tracks.at[track_id, "path"], recipe, of_track)
        for track_id, of_track in starts_s
    )
    invalid = np.concatenate(joblib.Parallel(n_jobs=jobs, prefer="threads")(tasks))
    if invalid.any():
        tracks = table["track_id"][invalid].unique()
        names = ", ".join(tracks[:5]) + (", ..." if len(tracks) > 5 else "")
        message = (
            f"{corpus.root}: {invalid.sum()} windows of {len(tracks)} tracks ({names}) have "
            "samples that are not finite numbers or are too large, and are left out; export the "
            "tracks again, or exclude them."
        )
        if invalid.all():
            raise CorpusError(message)
        warnings.warn(message, GtzanWarning, stacklevel=4)
    return table[~invalid].reset_index(drop=True)


def _invalid_windows(file: str, recipe: Recipe, starts_s: pd.Series) -> np.ndarray:
    """Return which windows of a file have samples that are not finite numbers."""
    try:
        if audio.info(file).is_float:
            y, _ = audio.load(file, sample_rate=recipe.sample_rate)
            if audio.is_invalid(y).any():
                windows = windows_of(y, recipe, starts_s.to_numpy())
                return np.array([audio.is_invalid(window.y).any() for window in windows])
    except AudioError:
        # It is reported where the images are made.
        pass
    return np.zeros(len(starts_s), dtype=bool)


def _shape(table: pd.DataFrame, recipe: Recipe) -> tuple[int, int, int]:
    return len(table), *recipe.shape


def _damaged(path: Path) -> StoreError:
    return StoreError(
        f"{path}: its recipe.json, windows.csv or images.npy is damaged; remove the folder and "
        "build the store again."
    )


def _clear_outdated(path: Path, corpus: Corpus, recipe: Recipe) -> None:
    """Remove the recipe of the same store by older code that had other fields."""
    try:
        values = json.loads((path / "recipe.json").read_text(encoding="utf-8"))
        same = (values["corpus"], values["recipe"]["name"]) == (corpus.fingerprint, recipe.name)
        if not same or values["code"] == _code():
            return
        fields = {field.name for field in dataclasses.fields(Recipe)}
    except (OSError, ValueError, KeyError, TypeError):
        # No store, or a damaged one, which `_Plan.read` reports.
        return
    if not fields <= values["recipe"].keys():
        (path / "recipe.json").unlink()


def _refuse_sound(corpus: Corpus, recipe: Recipe) -> None:
    """Refuse a recipe that needs sound."""
    if not recipe.columns_per_second:
        raise StoreError(
            f"{corpus.root}: holds log-mels and no sound, which recipe {recipe.name!r} needs; "
            "choose a recipe with columns_per_second, such as 'mel-gtzan-store', or open the "
            "folder of the audio files."
        )


def _refuse_shape(corpus: ImageCorpus, recipe: Recipe) -> None:
    """Refuse images with another number of mel bands or columns than the recipe needs."""
    for image in corpus.log_mels():
        n_mels, columns = image.shape
        grey = image.dtype == np.uint8
        if n_mels != recipe.n_mels or (grey and columns != logmels.N_COLUMNS):
            needed = f"{recipe.n_mels} and {logmels.N_COLUMNS}" if grey else str(recipe.n_mels)
            raise StoreError(
                f"{corpus.root}: its images have {n_mels} mel bands and {columns} columns, but "
                f"recipe {recipe.name!r} needs {needed}; open another file, or change n_mels."
            )


def _refuse_foreign(path: Path) -> None:
    """Refuse a file, and a folder that holds more than a store or the beginning of one."""
    if not path.exists() or (path / "recipe.json").is_file():
        return
    begun = path.is_dir() and all(
        entry.name in {"windows.csv", "images.npy", "done"} or entry.name.startswith(".")
        for entry in path.iterdir()
    )
    if not begun:
        raise StoreError(f"{path}: is not empty and no store; choose another folder.")


def _code() -> str:
    """Return a digest of the modules that compute the images and their windows."""
    return package_digest(
        "data.audio",
        "data.decoders",
        "data.logmels",
        "data.windows",
        "signal.dsp",
        "signal.recipes",
        "signal.spectrograms",
    )


def _fill(plan: _Plan, corpus: Corpus, *, jobs: int, progress: bool) -> None:
    """Write the missing tracks; broken files are reported after all others are written."""
    missing = plan.missing()
    if not missing:
        return
    if isinstance(corpus, ImageCorpus):
        steps = _from_images(plan, corpus)
    else:
        steps = _from_files(plan, corpus, jobs)
    steps = progress_bar(steps, f"Spectrograms {plan.recipe.slug}", len(missing), show=progress)
    broken = sorted(error for error in steps if error)
    if broken:
        others = f" ({len(broken) - 1} more files likewise)" if len(broken) > 1 else ""
        raise AudioError(broken[0].rstrip(".") + others + ".")


def _from_files(plan: _Plan, corpus: Corpus, jobs: int) -> Iterator[str]:
    import joblib

    places, starts_s = plan.places(), plan.windows["start_s"].to_numpy()
    tasks = (
        joblib.delayed(_write)(
            plan.path, plan.recipe, track_id, corpus.tracks.at[track_id, "path"],
            places[track_id], starts_s[plan.tracks[track_id]],
        )
        for track_id in plan.missing()
    )  # fmt: skip
    # Threads, since the libraries that do the work release Python's lock.
    pool = joblib.Parallel(n_jobs=jobs, prefer="threads", return_as="generator_unordered")
    # Also here: a thread that ends must not lift the limit of another.
    with threadpool_limits(1, user_api="blas"):
        yield from pool(tasks)


def _from_images(plan: _Plan, corpus: ImageCorpus) -> Iterator[str]:
    places, starts_s = plan.places(), plan.windows["start_s"].to_numpy()
    missing = plan.missing()
    for track_id, clip in zip(missing, corpus.select(tracks=missing).log_mels(), strict=True):
        images = from_log_mels(
            clip,
            plan.recipe,
            starts_s[plan.tracks[track_id]],
            duration_s=corpus.tracks.at[track_id, "duration_s"],
        )
        _write_images(plan.path, track_id, places[track_id], images)
        yield ""


def _write(
    path: Path, recipe: Recipe, track_id: str, file: str, place: int, starts_s: np.ndarray
) -> str:
    """Write the images of one track; return the error message of its file, or an empty string."""
    try:
        y, _ = audio.load(file, sample_rate=recipe.sample_rate)
        images = spectrograms(y, recipe, starts_s)
    except AudioError as error:
        return str(error)
    _write_images(path, track_id, place, images)
    return ""


def _write_images(path: Path, track_id: str, place: int, images: np.ndarray) -> None:
    """Write the images of one track at their offset, and mark the track as done."""
    try:
        # The system writes it to the disk later, and a killed process loses nothing
        # of it; flushing a memory map would wait for the disk.
        with (path / "images.npy").open("r+b", buffering=0) as stream:
            stream.seek(place)
            rest = images.data.cast("B")
            while rest:
                # A disk that is nearly full writes a part.
                rest = rest[stream.write(rest) :]
        (path / "done" / file_stem(track_id)).touch()
    except OSError as error:
        raise _full(path, error) from error


def _full(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path}: cannot be written ({error.strerror}); make room and build it again to go on "
        "where it stopped."
    )
