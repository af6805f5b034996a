"""Step `test-part`: GTZAN's official test part, asked about a fixed list of models at once."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ...data.splits import DataSplit, quiet_split
from ...documents import CardDocument, read_document
from ...errors import RecordError
from ...evaluation.askings import configuration_hash, corpus_of, prepare_list, record_asking
from ...evaluation.evaluate import evaluate
from ...evaluation.records import predictions, records_in
from ...evaluation.seeds import seed_summary
from ...genres import GENRES
from ...inference.zoo import CARD, SHIPPED
from ...signal.features import features
from ...stats import (
    bootstrap_interval,
    bootstrap_score,
    exact_mcnemar,
    holm,
    independent_groups,
    resampled_means,
    wilson_interval,
    wilson_score,
)
from ...studies.grid import compare_cells, pipeline
from ..results import Results
from ..task import Task
from . import net
from .leak import without_faults

__all__ = [
    "ENSEMBLES",
    "FEATURE_MODELS",
    "LIST_OF_ASKINGS",
    "MINUTES",
    "NEEDS",
    "NET_STEPS",
    "PACKAGE",
    "Answers",
    "average",
    "ensemble_gains",
    "measure",
    "pair_tests",
]

NEEDS = (("log-mels", "sound"), ("features-30s", "sound"))
"""Material; of each group, one kind must be there."""

MINUTES = 12.0
"""Estimate for nets whose checkpoints are there; others are trained again."""

LIST_OF_ASKINGS = "test_access.csv"
"""The list of askings, in the folder of the results."""

PACKAGE = {"gtzan-scratch": "none", "gtzan-musicnn": "music"}
"""Models of the package, and the kind of data from outside that each was trained on."""

FEATURE_MODELS = (("none", "logistic regression"), ("none", "random forest"))
"""Transform and model of the classic models that are always asked about."""

NET_STEPS = ("net-minivgg", "net-pooled", "net-resnet34", "net-crnn", "net-tracknet")
"""Steps of the nets that are asked about, unless the setting names others."""

ENSEMBLES = (
    "all nets",
    "all nets + gtzan-scratch",
    "gtzan-scratch + gtzan-musicnn",
    "all models",
)
"""Ensembles of several models, whatever the nets are; each net also has one of its seeds."""

_PART = "clips official"
_FIXED = "settings fixed before any score"


class Answers(NamedTuple):
    """What a model predicts for the tracks of the test part.

    Attributes
    ----------
    name : str
        What figures and tables call it.
    kind : str
        `package`, `features`, `net` or `ensemble`.
    outside_data : str
        Kind of data from outside GTZAN that it was trained on, `none` or `music`.
    probabilities : pd.DataFrame [shape=(tracks, 10)]
        One row a track, with a column for each of GTZAN's genres.
    chosen_by : str
        What the model was chosen by.
    validation : float
        Its accuracy on the validation part, if that is known; else NaN.
    members : tuple of str
        The models whose mean it is; empty for a single model.
    seeds : tuple of int
        Seeds of the nets in it.
    """

    name: str
    kind: str
    outside_data: str
    probabilities: pd.DataFrame
    chosen_by: str
    validation: float = float("nan")
    members: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()

    @property
    def predicted(self) -> pd.Series:
        """The most probable genre of each track."""
        return self.probabilities.idxmax(axis=1)


def measure(task: Task, *, nets: list[str] | None = None, seed: int = 0) -> None:
    """Ask the test part about all models of a list, and compare them track by track.

    The list is fixed: the models of the package, whose predictions were kept when they
    were asked about; on Kaggle's 57 features logistic regression, a random forest and the
    model with the highest accuracy on the validation part; all seeds of nets; and means of
    probabilities, in which each member has the same weight and a net is the mean of its
    seeds. Each asking is noted in the list `LIST_OF_ASKINGS` of the results, those of a second
    run once more. Nothing is chosen by a score.

    Writes the tables `scope`, `predictions`, `scores`, `pairs`, `ensembles`, `seeds`,
    `seed-scores`, `genres` and `agreement`. The net of the pairs is that of its first seed.

    Parameters
    ----------
    task : Task
        Its material has log-mels and Kaggle's table of 30 s, or sound. Beside its folder are
        the results of the step `feature-models` and of those of the nets.
    nets : list of str, optional
        Names of the steps of the nets; their further seeds are found. Default: `NET_STEPS`.
    seed : int
        Seed of the models on features.

    Raises
    ------
    RecordError
        Before anything is asked, if a step that is needed is not done, or two nets have the
        same title.
    OutputError
        If the list of askings cannot be written.
    """
    results = Results(task.folder.parent)
    trained = _trained_nets(results, nets or NET_STEPS)
    cells = _feature_cells(results)
    noted_in = prepare_list(results.folder / LIST_OF_ASKINGS)
    package = [_package(name, outside) for name, outside in PACKAGE.items()]
    on_features, split = _ask_features(task, cells, noted_in, seed)
    seeds = {title: _ask_net(task, several, noted_in) for title, several in trained.items()}

    about = _common_tracks([*on_features, *chain.from_iterable(seeds.values())])
    truth, groups = about["genre"], about["group"].to_numpy()
    package, on_features = _of_tracks(package, about.index), _of_tracks(on_features, about.index)
    seeds = {title: _of_tracks(several, about.index) for title, several in seeds.items()}
    ensembles = _ensembles(package, on_features, seeds)
    for one in ensembles:
        _note(one, truth, split, noted_in)

    nets_of_pairs = [several[0]._replace(name=title) for title, several in seeds.items()]
    models = [*package, *on_features, *nets_of_pairs, *ensembles]
    of_seeds = list(chain.from_iterable(seeds.values()))
    correct = _correct(models, truth)
    scope = {
        "tracks": len(about),
        "artists": len(set(groups)),
        "chance": truth.value_counts(normalize=True).iloc[0],
        "models": len(models),
        "askings": len(on_features) + len(of_seeds) + len(ensembles),
    }
    task.write("scope", pd.DataFrame(scope, index=pd.Index(["test part"], name="part")))
    task.write("predictions", about.assign(**{one.name: one.predicted for one in models}))
    task.write("scores", _scores(models, correct, groups))
    task.write("pairs", pair_tests(correct, groups))
    members = {one.name: one for one in [*models, *of_seeds]}
    task.write("ensembles", ensemble_gains(ensembles, members, truth, groups))
    by_seed, means = _seed_tables(seeds, truth, groups)
    task.write("seeds", by_seed)
    task.write("seed-scores", means)
    task.write("genres", _genres(correct, about))
    task.write("agreement", _agreement(models, correct))


# --- what is asked ------------------------------------------------------------


class _Net(NamedTuple):
    """One seed of a net that the step `net` has trained."""

    settings: dict[str, Any]
    validation: float
    tracks: int


def _trained_nets(results: Results, names: Sequence[str]) -> dict[str, list[_Net]]:
    """Return all seeds of the nets of a list, by title."""
    found: dict[str, list[_Net]] = {}
    for name in names:
        _require(results, name)
        others = [one for one in results.steps if re.fullmatch(rf"{re.escape(name)}-seed-\d+", one)]
        seeds = sorted(
            (_read_net(results, one) for one in [name, *others]),
            key=lambda one: one.settings["seed"],
        )
        title = seeds[0].settings["title"]
        if title in found or any(
            {**one.settings, "seed": 0} != {**seeds[0].settings, "seed": 0} for one in seeds
        ):
            raise RecordError(
                f"{results.folder}: nets of the title {title!r} have several settings; name each "
                "net once, and do the steps of its seeds with the same settings."
            )
        found[title] = seeds
    return found


def _read_net(results: Results, name: str) -> _Net:
    settings = results.step(name)["settings"]
    if settings.keys() != inspect.signature(net.measure).parameters.keys() - {"task"}:
        raise RecordError(
            f"{results.folder}: the step {name!r} is no net, or was done by another version; name "
            "steps 'net' in the setting 'nets', and do older ones again."
        )
    (record,) = records_in(results.records(name)).values()
    score = record.result["track"]
    return _Net(settings, score["value"], score["n"])


def _require(results: Results, step: str) -> None:
    """Refuse to ask before all that is asked about is there."""
    if step not in results.steps:
        raise RecordError(
            f"{results.folder}: the step {step!r} is not done, and the test part is asked about "
            "all models at once; do that step first."
        )


class _Cell(NamedTuple):
    """A model on features, and what it was chosen by."""

    transform: str
    model: str
    validation: float
    chosen_by: str


def _feature_cells(results: Results) -> list[_Cell]:
    """Return the fixed models on features, and the best one of the validation part."""
    _require(results, "feature-models")
    scores = results.table("feature-models", "scores")
    scores = scores[scores["part"] == _PART].set_index(["transform", "model"])["accuracy"]
    if scores.empty:
        raise RecordError(
            f"{results.folder}: the step 'feature-models' has no scores of the validation part; do "
            "it with a copy of GTZAN that has all parts."
        )
    tracks = results.table("feature-models", "parts").loc[_PART, "tracks"]
    best = scores.idxmax()
    cells = []
    for place in dict.fromkeys([*FEATURE_MODELS, best]):
        why = f"the best of {len(scores)} models on features" if place == best else _FIXED
        words = f"{why}; {_validation_words(scores[place], tracks)}"
        transform, model = place
        cells.append(_Cell(transform, model, float(scores[place]), words))
    return cells


def _validation_words(accuracy: float, tracks: int) -> str:
    return f"validation part {100 * accuracy:.1f} % of {tracks} tracks"


def _package(name: str, outside: str) -> Answers:
    """Read what a model of the package predicted when it was asked about."""
    card = read_document(SHIPPED / name / CARD, CardDocument)
    rows = _by_genre(predictions(SHIPPED / name / f"{name}.json"))
    return Answers(name, "package", outside, rows, card["chosen_by"])


def _ask_features(
    task: Task, cells: Iterable[_Cell], noted_in: Path, seed: int
) -> tuple[list[Answers], DataSplit]:
    corpus = without_faults(task.corpus("features-30s", "sound"))
    table = features(corpus, 30, jobs=task.jobs, progress=False)
    split = quiet_split(table.windows, corpus, protocol="official", folds=1)
    found = []
    for cell in cells:
        transform = "" if cell.transform == "none" else f" with {cell.transform}"
        # Rounding depends on the number of threads.
        with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
            # With fewer training tracks than landmarks, all of them are landmarks.
            warnings.filterwarnings("ignore", "n_components > n_samples")
            evaluation = evaluate(
                pipeline(cell.transform, cell.model, seed=seed),
                table.values,
                table.windows,
                split,
                ask_test=True,
                description=f"{cell.model}{transform} on Kaggle's 57 features of 30 s",
                chosen_by=cell.chosen_by,
                test_access=noted_in,
            )
        name = f"{cell.model}{transform} on features"
        rows = _by_genre(evaluation.tracks)
        found.append(Answers(name, "features", "none", rows, cell.chosen_by, cell.validation))
    return found, split


def _ask_net(task: Task, seeds: Iterable[_Net], noted_in: Path) -> list[Answers]:
    """Ask about each seed of a net."""
    found = []
    for one in seeds:
        chosen_by = f"{_FIXED}; {_validation_words(one.validation, one.tracks)}"
        trained = net.train_and_score(
            task, one.settings, ask_test=True, chosen_by=chosen_by, test_access=noted_in
        )
        rows, seed = _by_genre(trained.evaluation.tracks), one.settings["seed"]
        name = f"{one.settings['title']}, seed {seed}"
        found.append(Answers(name, "net", "none", rows, chosen_by, one.validation, seeds=(seed,)))
    return found


def _by_genre(table: pd.DataFrame) -> pd.DataFrame:
    """Return the probabilities of all of GTZAN's genres; 0 for those that were not trained."""
    return table.reindex(columns=list(GENRES), fill_value=0.0).astype(float)


def _common_tracks(models: Iterable[Answers]) -> pd.DataFrame:
    """Return genre and artist of the tracks that all models were asked about.

    A copy of a part of GTZAN lacks some of those that the package has predictions of.
    """
    first = next(iter(PACKAGE))
    table = predictions(SHIPPED / first / f"{first}.json")
    for one in models:
        table = table[table.index.isin(one.probabilities.index)]
    return table[["genre"]].assign(group=independent_groups(table["artist"], table.index))


def _of_tracks(models: Iterable[Answers], tracks: pd.Index) -> list[Answers]:
    return [one._replace(probabilities=one.probabilities.loc[tracks]) for one in models]


# --- ensembles ----------------------------------------------------------------


def average(name: str, members: Sequence[Answers]) -> Answers:
    """Average the probabilities of models.

    Parameters
    ----------
    name : str
        Name of the ensemble.
    members : sequence of Answers
        Models with the same tracks, each with the same weight.

    Returns
    -------
    Answers
        Their mean, of kind `ensemble`; with data from outside if a member has them.
    """
    mean = sum((one.probabilities for one in members[1:]), members[0].probabilities) / len(members)
    outside = {one.outside_data for one in members} - {"none"}
    return Answers(
        name,
        "ensemble",
        ", ".join(sorted(outside)) or "none",
        mean,
        "members and equal weights fixed before any score",
        members=tuple(one.name for one in members),
        seeds=tuple(sorted({seed for one in members for seed in one.seeds})),
    )


def _ensembles(
    package: Iterable[Answers],
    on_features: Iterable[Answers],
    seeds: Mapping[str, Sequence[Answers]],
) -> list[Answers]:
    """Return the ensembles that were fixed before anything was asked."""
    nets = [
        average(f"{len(several)} seeds of {title}", several)
        if len(several) > 1
        else several[0]._replace(name=title)
        for title, several in seeds.items()
    ]
    scratch, music = package
    listed = (nets, [*nets, scratch], [scratch, music], [*nets, scratch, music, *on_features])
    return [*(one for one in nets if one.members), *map(average, ENSEMBLES, listed)]


def _note(one: Answers, truth: pd.Series, split: DataSplit, noted_in: Path) -> None:
    """Note an ensemble in the list of askings, as one that is predicted from a file."""
    record_asking(
        noted_in,
        wilson_score((one.predicted == truth).to_numpy()),
        corpus=corpus_of(split),
        configuration=configuration_hash(
            {"predictions": one.probabilities.to_numpy(), "members": one.members}
        ),
        description=f"{one.name}: mean of the probabilities of {'; '.join(one.members)}",
        seeds=" ".join(map(str, one.seeds)),
        chosen_by=one.chosen_by,
    )


# --- tables -------------------------------------------------------------------


def _correct(models: Iterable[Answers], truth: pd.Series) -> pd.DataFrame:
    """Return which tracks each model predicts correctly, the most accurate model first."""
    table = pd.DataFrame({one.name: one.predicted == truth for one in models})
    return table[table.sum().sort_values(ascending=False, kind="stable").index]


def _scores(models: Iterable[Answers], correct: pd.DataFrame, groups: np.ndarray) -> pd.DataFrame:
    """Return the accuracy of each model, with intervals over tracks and over artists."""
    about = {one.name: one for one in models}
    rows = []
    for name, column in correct.items():
        one = about[str(name)]
        score = bootstrap_score(column.to_numpy(), groups)
        wilson = wilson_interval(int(column.sum()), len(column))
        rest = one.validation, one.chosen_by
        rows.append(
            (name, one.kind, one.outside_data, max(1, len(one.members)), len(column), score.value,
             *wilson, score.low, score.high, *rest)
        )  # fmt: skip
    columns = ["model", "kind", "outside_data", "members", "n", "accuracy", "wilson_low"]
    columns += ["wilson_high", "low", "high", "validation", "chosen_by"]
    return pd.DataFrame(rows, columns=columns).set_index("model")


def pair_tests(correct: pd.DataFrame, groups: np.ndarray) -> pd.DataFrame:
    """Compare every pair of models, with tracks and with artists as the unit.

    Parameters
    ----------
    correct : pd.DataFrame [shape=(tracks, models), dtype=bool]
        One column a model: whether it predicts each track correctly.
    groups : np.ndarray [shape=(tracks,)]
        The artist of each track, as from `gtzan_lib.stats.independent_groups`.

    Returns
    -------
    pd.DataFrame
        One row a pair, indexed by `first`, in the order of the columns: `second`; the
        `difference` of the accuracies with the bounds `low` and `high` of a bootstrap over
        artists; `only_first` and `only_second`, numbers of tracks that only one of them
        predicts correctly; `p_tracks` of McNemar's exact test, and `p_artists` of
        `gtzan_lib.studies.grid.compare_cells`; and both corrected for the number of pairs,
        `p_tracks_holm` and `p_artists_holm`.
    """
    tests = compare_cells(correct, groups)
    drawn = pd.DataFrame(resampled_means(correct.to_numpy(dtype=float), groups))
    drawn.columns = correct.columns
    rows = []
    for first, second in zip(tests["first"], tests["second"], strict=True):
        low, high = np.percentile(drawn[first] - drawn[second], [2.5, 97.5])
        only = _only(correct[first], correct[second])
        rows.append((low, high, *only, exact_mcnemar(*only)))
    columns = ["low", "high", "only_first", "only_second", "p_tracks"]
    table = tests[["first", "second", "difference"]].join(pd.DataFrame(rows, columns=columns))
    table["p_tracks_holm"] = holm(table["p_tracks"].to_numpy())
    table["p_artists"], table["p_artists_holm"] = tests["p_value"], tests["p_holm"]
    return table.set_index("first")


def _only(first: pd.Series, second: pd.Series) -> tuple[int, int]:
    """Count the tracks that only one of two models predicts correctly."""
    return int((first & ~second).sum()), int((~first & second).sum())


def ensemble_gains(
    ensembles: Iterable[Answers],
    models: Mapping[str, Answers],
    truth: pd.Series,
    groups: np.ndarray,
) -> pd.DataFrame:
    """Compare ensembles with their members.

    Parameters
    ----------
    ensembles : iterable of Answers
        The ensembles.
    models : mapping of str to Answers
        All members, by name.
    truth : pd.Series
        The genre of each track.
    groups : np.ndarray [shape=(tracks,)]
        The artist of each track, as from `gtzan_lib.stats.independent_groups`.

    Returns
    -------
    pd.DataFrame
        One row an `ensemble`: its number of `members` and `accuracy`; `best`, the member with
        the highest accuracy on the same tracks, and `best_accuracy`; the `gain` over it, with
        the bounds `low` and `high` of a bootstrap over artists; `only_ensemble` and
        `only_best`, numbers of tracks; `p_tracks` of McNemar's exact test and `p_holm`,
        corrected for the number of ensembles; and `mean_gain`, `mean_gain_low` and
        `mean_gain_high`, over the mean accuracy of the members.

    Notes
    -----
    The best member is chosen by the tracks that are scored, which makes its accuracy too high
    and the gain over it too small, not too large.
    """
    rows = []
    for one in ensembles:
        right = one.predicted == truth
        members = _correct([models[name] for name in one.members], truth)
        best = members.columns[0]
        gain, mean_gain = (
            (right.astype(float) - other).to_numpy()
            for other in (members[best], members.mean(axis=1))
        )
        only = _only(right, members[best])
        rows.append(
            (one.name, len(one.members), right.mean(), best, members[best].mean(), gain.mean(),
             *bootstrap_interval(gain, groups), *only, exact_mcnemar(*only), mean_gain.mean(),
             *bootstrap_interval(mean_gain, groups))
        )  # fmt: skip
    columns = ["ensemble", "members", "accuracy", "best", "best_accuracy", "gain", "low", "high"]
    columns += ["only_ensemble", "only_best", "p_tracks"]
    columns += ["mean_gain", "mean_gain_low", "mean_gain_high"]
    table = pd.DataFrame(rows, columns=columns).set_index("ensemble")
    table.insert(10, "p_holm", holm(table["p_tracks"].to_numpy()))
    return table


def _seed_tables(
    seeds: Mapping[str, Sequence[Answers]], truth: pd.Series, groups: np.ndarray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the accuracy of each seed of a net, and the mean with its spread."""
    single: list[tuple[object, ...]] = []
    means: list[tuple[object, ...]] = []
    for title, several in seeds.items():
        correct = pd.DataFrame({one.seeds[0]: one.predicted == truth for one in several})
        summary = seed_summary(correct, groups)
        single += [
            (title, one.seeds[0], summary.accuracies[one.seeds[0]], one.validation)
            for one in several
        ]
        means.append((title, len(several), *summary.score[:3], summary.sd))
    columns = ["seeds", "accuracy", "low", "high", "sd"]
    return (
        pd.DataFrame(single, columns=["model", "seed", "accuracy", "validation"]).set_index(
            "model"
        ),
        pd.DataFrame(means, columns=["model", *columns]).set_index("model"),
    )


def _genres(correct: pd.DataFrame, about: pd.DataFrame) -> pd.DataFrame:
    """Return the recall of each genre by each model, with Wilson's interval."""
    rows = [
        (genre, name, column.mean(), *wilson_interval(int(column.sum()), len(column)),
         len(column), about.loc[tracks.index, "group"].nunique())
        for genre, tracks in correct.groupby(about["genre"])
        for name, column in tracks.items()
    ]  # fmt: skip
    columns = ["genre", "model", "recall", "low", "high", "tracks", "artists"]
    return pd.DataFrame(rows, columns=columns).set_index("genre")


def _agreement(models: Iterable[Answers], correct: pd.DataFrame) -> pd.DataFrame:
    """Return how many tracks all single models, any and none of them predict correctly."""
    single = [one for one in models if not one.members]
    sets = {
        "no data from outside": [one.name for one in single if one.outside_data == "none"],
        "all single models": [one.name for one in single],
    }
    rows = [
        (label, len(names), correct[names].all(axis=1).mean(), correct[names].any(axis=1).mean(),
         correct[names].mean().max())
        for label, names in sets.items()
    ]  # fmt: skip
    columns = ["set", "models", "all", "any", "best"]
    return pd.DataFrame(rows, columns=columns).set_index("set")
