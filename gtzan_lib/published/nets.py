"""Nets that the step `net` has trained, each with all its seeds, and their comparison."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch

from ..errors import RecordError
from ..evaluation.records import ExperimentRecord, predictions, records_in
from ..evaluation.seeds import SeedSummary, seed_summary
from ..genres import GENRES
from ..models.registry import build, describe
from ..stats import bootstrap_interval, independent_groups
from ..studies.grid import compare_cells
from ..training.classifier import NetClassifier
from .measures import net as step
from .results import Results

__all__ = ["PublishedNet", "compare_nets", "genre_scores", "net_table", "read_nets"]

# GTZAN's clips have 30 s.
_TRACK_S = 30.0


@dataclasses.dataclass(frozen=True, eq=False)
class PublishedNet:
    """One net, trained with one or several seeds on the same tracks.

    Attributes
    ----------
    title : str
        What figures and tables call it.
    settings : dict
        Settings of the step `net`, other than the seed.
    history : pd.DataFrame
        One row a seed and epoch: `seed`, `epoch`, and the columns of
        `NetClassifier.history_`.
    genres : pd.DataFrame
        One row a seed and genre: `seed`, `genre`, and the columns of
        `Evaluation.per_genre`.
    predictions : dict of int to pd.DataFrame
        By seed, as from `gtzan_lib.evaluation.records.predictions`.
    records : dict of int to ExperimentRecord
        The record of each seed.
    material : dict of str to int
        Number of tracks of each kind of material that it was made from.
    """

    title: str
    settings: dict[str, Any]
    history: pd.DataFrame
    genres: pd.DataFrame
    predictions: dict[int, pd.DataFrame]
    records: dict[int, ExperimentRecord]
    material: dict[str, int]

    def __repr__(self) -> str:
        return f"PublishedNet({self.title}: {self.summary})"

    @property
    def first(self) -> ExperimentRecord:
        """The record of the first seed."""
        return next(iter(self.records.values()))

    @property
    def seconds(self) -> float:
        """Mean duration of the training of one seed."""
        return float(np.mean([one.provenance["seconds"] for one in self.records.values()]))

    @property
    def correct(self) -> pd.DataFrame:
        """Which tracks are predicted correctly, one column a seed."""
        return pd.DataFrame(
            {seed: table["predicted"] == table["genre"] for seed, table in self.predictions.items()}
        )

    @property
    def artists(self) -> np.ndarray:
        """The artist of each track, or the track itself if the artist is unknown."""
        table = next(iter(self.predictions.values()))
        return independent_groups(table["artist"], table.index)

    @cached_property
    def summary(self) -> SeedSummary:
        """Mean accuracy with its interval over artists, and the spread over seeds."""
        return seed_summary(self.correct, self.artists)

    @property
    def description(self) -> str:
        """What is special about the net and its training, in a few sentences."""
        given, training = self.settings["arguments"] or {}, self.settings["training"] or {}
        used = {name: given[name] for name in ("head", "inputs") if name in given}
        text = describe(self.settings["architecture"], **used)
        if training.get("augment"):
            text += " In training, images are changed at random (augmentation)."
        if self.settings["shuffled"]:
            what = "windows of each track" if self.reads_tracks else "columns of each window"
            text += f" It gets the {what} in a random order: the control."
        return text

    @property
    def reads_tracks(self) -> bool:
        """Whether one example is a track, not a window."""
        return step.reads_tracks(self.settings["architecture"])

    def untrained(self) -> tuple[NetClassifier, np.ndarray]:
        """Build the net with random weights, for its diagram.

        Returns
        -------
        net : NetClassifier
            Of the same architecture and arguments.
        X : np.ndarray
            One black image, or the black windows of one track.
        """
        given = self.settings
        size = [given["height"], given["width"]]
        arguments = {"classes": len(GENRES), "size": size, **(given["arguments"] or {})}
        with torch.random.fork_rng():
            weights = build(given["architecture"], **arguments).state_dict()
        net = NetClassifier(given["architecture"], progress=False, device="cpu")
        windows = [round(_TRACK_S / given["seconds"])] if self.reads_tracks else []
        X = np.zeros((1, *windows, *size), dtype=np.uint8)
        return net.restore(list(GENRES), arguments, weights), X


def read_nets(results: Results, prefix: str = "net-") -> dict[str, PublishedNet]:
    """Read the nets of a page that are there.

    Parameters
    ----------
    results : Results
        The results.
    prefix : str
        What the names of the page's steps begin with; steps that are no nets are left out.

    Returns
    -------
    dict of str to PublishedNet
        By title, the highest accuracy first.

    Raises
    ------
    RecordError
        If there is no net; if two with the same title have other settings; or if they
        scored other tracks.
    """
    known = inspect.signature(step.measure).parameters.keys() - {"task"}
    found: dict[str, dict[int, tuple[str, dict[str, Any]]]] = {}
    for name in results.steps:
        if not name.startswith(prefix):
            continue
        settings = results.step(name)["settings"]
        if settings.keys() == known:
            found.setdefault(settings["title"], {})[settings["seed"]] = (name, settings)
    if not found:
        raise RecordError(
            f"{results.folder}: holds no net whose step begins with {prefix!r}; train one with "
            "'gtzan publish GTZAN_ROOT'."
        )
    nets = [_read(results, title, dict(sorted(seeds.items()))) for title, seeds in found.items()]
    tracks = nets[0].correct.index
    for net in nets:
        for table in net.predictions.values():
            if not table.index.equals(tracks):
                raise RecordError(
                    f"{results.folder}: {nets[0].title} and {net.title} scored other tracks; do "
                    "their steps again from the same copy of GTZAN."
                )
    order = sorted(nets, key=lambda net: -net.summary.score.value)
    return {net.title: net for net in order}


def _read(
    results: Results, title: str, seeds: Mapping[int, tuple[str, dict[str, Any]]]
) -> PublishedNet:
    settings = [
        {key: value for key, value in one.items() if key != "seed"} for _, one in seeds.values()
    ]
    if any(one != settings[0] for one in settings):
        names = ", ".join(name for name, _ in seeds.values())
        raise RecordError(
            f"{results.folder}: the steps {names} are all {title!r}, and have other settings; give "
            "one another title, or do those again that are out of date."
        )
    tables: dict[str, list[pd.DataFrame]] = {"history": [], "genres": []}
    records, predicted = {}, {}
    material: dict[str, int] = {}
    for seed, (name, _) in seeds.items():
        for table, rows in tables.items():
            rows.append(results.table(name, table).reset_index().assign(seed=seed))
        material |= results.step(name)["material"]
        ((file, records[seed]),) = records_in(results.records(name)).items()
        predicted[seed] = predictions(file)
    joined = {name: pd.concat(rows, ignore_index=True) for name, rows in tables.items()}
    return PublishedNet(
        title, settings[0], joined["history"], joined["genres"], predicted, records, material
    )


def net_table(nets: Mapping[str, PublishedNet]) -> pd.DataFrame:
    """Return accuracy and cost of nets.

    Parameters
    ----------
    nets : mapping of str to PublishedNet
        By title.

    Returns
    -------
    pd.DataFrame
        One row a net, by title: number of `weights`, `examples` of an epoch, `epochs`,
        `minutes` of one training and its `device`; number of `seeds`, mean `accuracy` with
        the interval `low` to `high` over artists, the standard deviation over seeds `sd`
        (NaN for one seed), and `train_accuracy`, its mean over seeds.
    """
    rows = {
        title: {
            "weights": net.first.result["weights"],
            "examples": net.first.result["examples"],
            "epochs": net.settings["epochs"],
            "minutes": net.seconds / 60,
            "device": net.first.result["device"],
            "seeds": len(net.records),
            **dict(zip(("accuracy", "low", "high"), net.summary.score[:3], strict=True)),
            "sd": net.summary.sd,
            "train_accuracy": float(
                np.mean([one.result["train_accuracy"] for one in net.records.values()])
            ),
        }
        for title, net in nets.items()
    }
    return pd.DataFrame.from_dict(rows, "index").rename_axis("net")


def genre_scores(nets: Mapping[str, PublishedNet]) -> pd.DataFrame:
    """Return precision, recall and F1 of each genre.

    Parameters
    ----------
    nets : mapping of str to PublishedNet
        By title.

    Returns
    -------
    pd.DataFrame
        One row a net and genre: `net`, `genre`, `precision`, `recall` and `f1`, each the
        mean over the seeds, and `n`, the number of scored tracks. Seeds that never predict a
        genre have no precision, and do not count for its mean.
    """
    columns = ["precision", "recall", "f1", "n"]
    means = {title: net.genres.groupby("genre")[columns].mean() for title, net in nets.items()}
    return pd.concat(means, names=["net"]).reset_index().astype({"n": int})


def compare_nets(nets: Mapping[str, PublishedNet]) -> pd.DataFrame:
    """Test the difference of every pair of nets, by the means over their seeds.

    Parameters
    ----------
    nets : mapping of str to PublishedNet
        By title, with the same tracks.

    Returns
    -------
    pd.DataFrame
        One row a pair: as from `gtzan_lib.studies.grid.compare_cells`; the bootstrap over
        artists of the `difference`, from `low` to `high`; and `seed_error`, the standard
        error of the difference over seeds (NaN if a net has one seed), which neither the
        interval nor the test contains.

    See Also
    --------
    gtzan_lib.evaluation.seeds : Why seeds and tracks are not pooled.
    """
    means = pd.DataFrame({title: net.correct.mean(axis=1) for title, net in nets.items()})
    artists = next(iter(nets.values())).artists
    # The test counts whole numbers: so many correct predictions of a track.
    scale = math.lcm(*(len(net.records) for net in nets.values()))
    tests = compare_cells((scale * means).round(), artists)
    pairs = list(zip(tests["first"], tests["second"], strict=True))
    bounds = [
        bootstrap_interval((means[first] - means[second]).to_numpy(), artists)
        for first, second in pairs
    ]
    errors = {title: net.summary.sd / math.sqrt(len(net.records)) for title, net in nets.items()}
    return tests.assign(
        difference=tests["difference"] / scale,
        low=[low for low, _ in bounds],
        high=[high for _, high in bounds],
        seed_error=[math.hypot(errors[first], errors[second]) for first, second in pairs],
    )
