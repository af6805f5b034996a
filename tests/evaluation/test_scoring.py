"""Scores of files of predictions, and the command `gtzan score`."""

import json
import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from typer.testing import CliRunner

from gtzan_lib import cli
from gtzan_lib.data.loaders.gtzan_splits import PUBLISHED_SPLITS, published_split
from gtzan_lib.data.splits import DataSplit, quiet_split, split
from gtzan_lib.errors import GtzanError, GtzanWarning, RecordError, ScoringError, SplitError
from gtzan_lib.evaluation.askings import read_askings
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.evaluation.records import ExperimentRecord, leaderboard
from gtzan_lib.evaluation.scoring import score_predictions
from gtzan_lib.genres import GENRES
from gtzan_lib.stats import exact_mcnemar

SHIPPED = cli.SHIPPED_RECORDS[0]
SHIPPED_PREDICTIONS = SHIPPED.with_name("gtzan-musicnn.predictions.csv")


def tracks_in(protocol="official", part=None) -> pd.DataFrame:
    """Return the tracks in a part of a published split; by default in the scored one."""
    table = published_split(protocol).table
    part = part or {"official": "valid", "artist": "test"}[protocol]
    return table[table.filter(like="fold_").eq(part).any(axis=1)]


def answers(tracks: pd.DataFrame, wrong=()) -> pd.DataFrame:
    """Return the true genre of each track, but another one for some rows."""
    table = tracks[["track_id", "genre"]].reset_index(drop=True)
    for row in wrong:
        number = GENRES.index(table.at[row, "genre"])
        table.at[row, "genre"] = GENRES[(number + 1) % len(GENRES)]
    return table


@pytest.fixture
def write(tmp_path):
    """Write a table as a file of predictions."""

    def to_csv(table, name="mine.csv"):
        table.to_csv(tmp_path / name, index=False)
        return tmp_path / name

    return to_csv


@pytest.fixture
def command():
    """Run `gtzan score` in this process; errors of the package are raised."""

    def run(*arguments):
        result = CliRunner().invoke(cli.app, ["score", *map(str, arguments)])
        if isinstance(result.exception, GtzanError):
            raise result.exception
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


# --- scores -------------------------------------------------------------------


def test_shipped_predictions_have_the_scores_of_their_record():
    record = ExperimentRecord.load(SHIPPED)
    scored = score_predictions(SHIPPED_PREDICTIONS, part="test", against=[SHIPPED])
    values, expected = scored.as_dict(), record.result["track"]
    for name in ("value", "low", "high", "n", "interval"):
        assert values["accuracy"][name] == expected[name]
    assert values["macro_f1"] == expected["macro_f1"]
    assert values["top2"]["value"] == expected["top2"]
    # The file has six decimals.
    assert values["calibration_error"] == pytest.approx(expected["calibration_error"], abs=1e-6)
    assert values["chance"] == record.result["chance"]
    assert values["p_value"] == record.result["p_value"]
    recall = {genre: row["recall"] for genre, row in values["per_genre"].items()}
    assert recall == record.result["per_genre"]
    confusion = scored.evaluation.confusion_matrix()
    for genre, row in record.result["confusion"].items():
        assert confusion.loc[genre][confusion.loc[genre] > 0].to_dict() == row
    assert scored.title == "GTZAN, test part of the official split"
    assert "79.7 %" in repr(scored)


def test_perfect_predictions_have_an_accuracy_of_one(write):
    for protocol, n in (("official", 197), ("artist", 913)):
        scored = score_predictions(write(answers(tracks_in(protocol))), protocol)
        accuracy = scored.evaluation.accuracy()
        assert (accuracy.value, accuracy.high, accuracy.n) == (1, 1, n)
        assert scored.evaluation.macro_f1() == 1


@given(
    wrong=st.sets(st.integers(0, 196), max_size=60),
    seed=st.integers(0, 99),
    names=st.sampled_from(["{}", "{}.wav", "genres/x/{}.au"]),
)
def test_scores_are_shares_of_correct_answers_in_any_order(tmp_path_factory, wrong, seed, names):
    table = answers(tracks_in(), wrong)
    path = tmp_path_factory.mktemp("order") / "mine.csv"
    table.to_csv(path, index=False)
    scores = score_predictions(path).as_dict()
    assert scores["accuracy"]["value"] == pytest.approx(1 - len(wrong) / 197)
    table["track_id"] = table["track_id"].map(names.format)
    table.sample(frac=1, random_state=seed).to_csv(path, index=False)
    assert score_predictions(path).as_dict() == scores


def test_order_of_rows_does_not_change_the_interval_of_folds(write):
    """Nor does it change scores that need probabilities."""
    tracks = tracks_in("artist")
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.dirichlet(np.ones(10), len(tracks)), columns=list(GENRES))
    table.insert(0, "file", tracks["track_id"].to_numpy())
    first = score_predictions(write(table), "artist")
    assert first.as_dict()["accuracy"]["interval"] == "bootstrap over artists"
    assert first.title == "GTZAN, test parts of 5 folds of the artist split"
    shuffled = write(table.sample(frac=1, random_state=1)[["file", *reversed(GENRES)]])
    assert score_predictions(shuffled, "artist").as_dict() == first.as_dict()


def test_table_by_genre_agrees_with_scikit_learn(write):
    table = answers(tracks_in(), wrong=range(0, 197, 3))
    scored = score_predictions(write(table))
    truth, predicted = tracks_in()["genre"], table["genre"]
    by_genre = scored.evaluation.per_genre()
    assert by_genre.index.tolist() == list(GENRES)
    np.testing.assert_allclose(by_genre["f1"], f1_score(truth, predicted, average=None))
    np.testing.assert_allclose(
        by_genre["precision"], precision_score(truth, predicted, average=None)
    )


def test_answers_have_no_probabilities(write):
    scored = score_predictions(write(answers(tracks_in())))
    assert scored.are_answers
    values = scored.as_dict()
    assert values["top2"] is values["calibration_error"] is None
    row = values["leaderboard"][0]
    assert row["top2"] is row["calibration_error"] is row["window_accuracy"] is None


# --- parts and splits ---------------------------------------------------------


def test_rows_of_other_parts_are_ignored_with_a_warning(write):
    everything = published_split("official").table
    path = write(answers(everything))
    with pytest.warns(GtzanWarning, match=r"mine\.csv: 710 rows .* not in the test part"):
        scored = score_predictions(path, part="test")
    assert (scored.n_ignored, scored.evaluation.accuracy().n) == (710, 290)
    with pytest.warns(GtzanWarning, match="803 rows .* not in the validation part"):
        scored = score_predictions(path)
    assert scored.title == "GTZAN, validation part of the official split"
    assert scored.leaderboard["part"].to_dict() == {"mine.csv": "validation part"}


@pytest.mark.parametrize("protocol", PUBLISHED_SPLITS)
def test_missing_tracks_are_refused(write, protocol):
    tracks = tracks_in(protocol)
    path = write(answers(tracks.drop(tracks.index[[4, 9]])))
    first = tracks["track_id"].iloc[4]
    with pytest.raises(ScoringError, match=rf"lacks 2 of the {len(tracks)} .*'{first}' first"):
        score_predictions(path, protocol)


def test_saved_split_of_any_corpus(toy_corpus, by_artist, write, tmp_path):
    """Scores are those of `evaluate` under the same split, whose windows are counted by track."""
    corpus, table, _, features = toy_corpus
    evaluation = evaluate(KNeighborsClassifier(), features, table, by_artist)
    path = write(evaluation.tracks.reset_index())
    saved = by_artist.save(tmp_path / "split.csv")
    for given_split in (saved, str(saved), by_artist):
        scored = score_predictions(path, given_split)
        assert scored.evaluation.accuracy() == evaluation.accuracy()
        assert scored.evaluation.macro_f1() == evaluation.macro_f1()
        assert scored.title == f"corpus {corpus.fingerprint}, test part of the artist split"


def test_folds_of_any_corpus(toy_corpus, write):
    corpus, table, _, features = toy_corpus
    folds = split(table, corpus, folds=4)
    evaluation = evaluate(KNeighborsClassifier(), features, table, folds)
    scored = score_predictions(write(evaluation.tracks.reset_index()), folds)
    assert scored.evaluation.accuracy() == evaluation.accuracy()
    pd.testing.assert_series_equal(
        scored.evaluation.windows.set_index("track_id")["fold"],
        evaluation.windows.groupby("track_id")["fold"].first(),
        check_dtype=False,
    )


def test_splits_that_cannot_be_used_are_refused(toy_corpus, by_artist, write, tmp_path):
    path = write(answers(tracks_in()))
    with pytest.raises(ScoringError, match=r"^album: is neither a published split of GTZAN \(off"):
        score_predictions(path, "album")
    with pytest.raises(ScoringError, match="there is no part 'train' to score; choose test or val"):
        score_predictions(path, part="train")
    with pytest.raises(SplitError, match=r"mine\.csv: is not a split"):
        score_predictions(path, path)
    corpus, table, *_ = toy_corpus
    with pytest.raises(ScoringError, match="split by window has windows of one track in several"):
        score_predictions(path, quiet_split(table, corpus, protocol="window"))
    for column in ("artist", "fold_0"):
        broken = DataSplit("artist", by_artist.table.drop(columns=column), {})
        with pytest.raises(ScoringError, match=f"the split has no column '{column}'"):
            score_predictions(path, broken)
    for part, problem in (("train", "no track"), ("test", "a track of several folds")):
        changed = by_artist.table.assign(fold_0=part, fold_1=part)
        with pytest.raises(ScoringError, match=f"the split has {problem} in its test part"):
            score_predictions(path, DataSplit("artist", changed, {}))


# --- the test part ------------------------------------------------------------


def test_official_test_part_is_scored_on_request_and_noted(write, work):
    path = write(answers(tracks_in(part="test"), wrong=[0]))
    with pytest.raises(ScoringError, match=r"lacks 197 of the 197 .* the validation part"):
        score_predictions(path)
    assert not work.exists()
    scored = score_predictions(path, part="test", chosen_by="validation part")
    (row,) = read_askings(work / "test_access.csv").itertuples()
    accuracy = scored.evaluation.accuracy()
    assert (row.n, row.score, row.high) == (290, round(289 / 290, 6), round(accuracy.high, 6))
    assert (row.corpus, row.part) == ("gtzan", "test")
    assert (row.description, row.chosen_by) == ("mine.csv", "validation part")


def test_configuration_of_a_file_is_its_predictions(write, tmp_path):
    table = answers(tracks_in(part="test"))
    askings = tmp_path / "mine.csv"
    for one, name in (
        (table, "a.csv"),
        (table.iloc[::-1], "b.csv"),
        (answers(tracks_in(part="test"), wrong=[7]), "c.csv"),
    ):
        score_predictions(write(one, name), part="test", test_access=askings)
    first, again, other = read_askings(askings)["configuration"]
    assert first == again != other


def test_other_parts_are_not_noted(write, work):
    score_predictions(write(answers(tracks_in())), part="valid")
    score_predictions(write(answers(tracks_in("artist"))), "artist", part="test")
    assert not work.exists()


def test_score_that_cannot_be_noted_is_not_returned(write, tmp_path):
    path = write(answers(tracks_in(part="test")))
    with pytest.raises(RecordError, match=r"mine\.csv: is not a list of askings"):
        score_predictions(path, part="test", test_access=path)


# --- comparisons --------------------------------------------------------------


@pytest.fixture
def records(tmp_path):
    """A folder with the record of the model that comes with the package."""
    folder = tmp_path / "records"
    folder.mkdir()
    shutil.copy(SHIPPED, folder / "gtzan.json")
    shutil.copy(SHIPPED_PREDICTIONS, folder)
    return folder


def test_paired_tests_with_records(write, records):
    path = write(answers(tracks_in(part="test"), wrong=range(0, 290, 2)))
    scored = score_predictions(path, part="test", against=[SHIPPED, records])
    assert scored.tests["record"].tolist() == ["gtzan-musicnn", "gtzan-musicnn"]
    ours = scored.evaluation.tracks
    theirs = pd.read_csv(SHIPPED_PREDICTIONS).set_index("track_id")
    correct = [ours["predicted"] == ours["genre"], theirs["predicted"] == theirs["genre"]]
    test = scored.tests.iloc[0]
    assert test["n"] == 290
    assert test["only_first"] == (correct[0] & ~correct[1]).sum()
    assert test["only_second"] == (~correct[0] & correct[1]).sum()
    assert test["p_value"] == exact_mcnemar(test["only_first"], test["only_second"])
    assert scored.tests["p_holm"].tolist() == pytest.approx([2 * test["p_value"]] * 2)
    assert scored.skipped == []


def test_row_of_the_leaderboard(records):
    scored = score_predictions(SHIPPED_PREDICTIONS, part="test", against=[records])
    table = leaderboard(records)
    assert scored.leaderboard.columns.tolist() == table.columns.tolist()
    assert scored.leaderboard.index.tolist() == ["gtzan-musicnn.predictions.csv", "gtzan-musicnn"]
    ours, theirs = scored.leaderboard.iloc[0], table.iloc[0]
    for name in (
        "protocol",
        "folds",
        "part",
        "tracks",
        "accuracy",
        "low",
        "high",
        "macro_f1",
        "top2",
    ):
        assert ours[name] == theirs[name]
    pd.testing.assert_frame_equal(scored.leaderboard.tail(1), table, check_dtype=False)


def test_records_of_other_tracks_are_not_compared(write, records):
    scored = score_predictions(write(answers(tracks_in("artist"))), "artist", against=[records])
    assert scored.tests.empty
    assert scored.skipped == ["gtzan-musicnn"]
    assert scored.leaderboard.index.tolist() == ["mine.csv"]


def test_damaged_and_missing_records_are_refused(write, records, tmp_path):
    path = write(answers(tracks_in()))
    with pytest.raises(RecordError, match="holds no records"):
        score_predictions(path, against=[tmp_path / "none"])
    (records / "gtzan-musicnn.predictions.csv").write_text("changed")
    with pytest.raises(RecordError, match=r"not the file that gtzan\.json describes"):
        score_predictions(path, against=[records])


# --- the page -----------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "book" / "howto" / "scoring.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.+?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def reader_of_the_page(tmp_path, monkeypatch):
    """A folder with the files of the splits, and the reader's own windows and model."""
    for file in PUBLISHED_SPLITS.values():
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    tracks = published_split("official").table
    windows = tracks.loc[tracks.index.repeat(2), ["track_id"]].reset_index(drop=True)
    rng = np.random.default_rng(0)
    number = np.repeat(np.arange(len(tracks)) // 100, 2)
    windows["x"] = number + rng.normal(scale=1.5, size=len(windows))
    return {"windows": windows, "columns": ["x"], "model": GaussianNB()}


@pytest.mark.parametrize(
    ("block", "file", "protocol"),
    [(0, "predictions.csv", "official"), (1, "by_artist.csv", "artist")],
)
def test_code_of_the_page_makes_files_that_can_be_scored(reader_of_the_page, block, file, protocol):
    exec("\n".join(BLOCKS[: block + 1]), reader_of_the_page)
    scored = score_predictions(file, protocol)
    assert 0.2 < scored.evaluation.accuracy().value < 0.9
    assert scored.n_ignored == 0


def test_numbers_of_the_page_are_those_of_the_files():
    parts = [published_split("artist").table[f"fold_{fold}"] for fold in range(5)]
    sizes = [part.eq("test").sum() for part in parts]
    genres = published_split("artist").table["genre"]
    fewest = min(genres[part == "test"].value_counts().min() for part in parts)
    assert f"| {len(tracks_in('official', 'test'))} |" in PAGE
    assert f"| {sum(sizes)}, out of fold |" in PAGE
    assert f"test parts have {min(sizes)} to {max(sizes)} tracks" in PAGE
    assert f"at least {fewest} tracks of each genre" in PAGE
    used = (parts[0] != "dropped").sum()
    assert f"Of the other {used}, the {used - sum(sizes)} whose artist is unknown" in PAGE


# --- the command --------------------------------------------------------------


def test_command_prints_all_tables(command):
    result = command(SHIPPED_PREDICTIONS, "--part", "test")
    assert (result.exit_code, result.stderr) == (0, "")
    for text in (
        "official,",
        "gtzan-musicnn.predictions.csv: GTZAN, test part of the official split, n = 290",
        "accuracy: 79.7 % (95 % interval 74.6 to 83.9, n = 290); interval: wilson",
        "chance: 11.0 %",
        "top-2 accuracy: 91.0 %",
        "calibration error: 7.4 %",
        "only the file",
        "windows %",
    ):
        assert text in result.stdout
    assert all(genre in result.stdout for genre in GENRES)


def test_command_leaves_out_what_answers_do_not_tell(command, write):
    result = command(write(answers(tracks_in("artist"))), "--split", "artist")
    assert "913" in result.stdout
    assert "top-2" not in result.stdout
    assert "calibration" not in result.stdout
    others = "gtzan-musicnn, gtzan-scratch"
    assert f"Not compared, since tested on other tracks: {others}." in result.stdout


def test_command_prints_json(command, write, records):
    path = write(answers(tracks_in(part="test"), wrong=[3]))
    result = command(path, "--part", "test", "--json", "--against", records, "--against", SHIPPED)
    values = json.loads(result.stdout)
    expected = score_predictions(path, part="test", against=[records, SHIPPED]).as_dict()
    assert values == json.loads(json.dumps(expected, allow_nan=False))
    assert [test["record"] for test in values["tests"]] == ["gtzan-musicnn", "gtzan-musicnn"]


def test_command_warns_of_ignored_rows_and_of_chance(command, write):
    """Constant answers are called no better than chance."""
    everything = answers(published_split("official").table).assign(genre="rock")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = command(write(everything))
    assert [str(warning.message) for warning in caught if warning.category is GtzanWarning] == [
        f"{write(everything)}: 803 rows are about tracks that are not in the validation part and "
        "are ignored."
    ]
    assert "The validation score is not better than chance" in result.stdout


def test_names_are_printed_as_they_are(command, write):
    """Brackets in a name are not markup, and long names are not cut off."""
    path = write(answers(tracks_in()), name="[red]mine" + 40 * "x" + ".csv")
    cells = "".join(line.split("│")[1].strip() for line in command(path).stdout.split("windows")[-1]
                    .splitlines() if "│" in line)  # fmt: skip
    assert path.name in cells
