"""Heads on representations are evaluated out of fold, on the same folds."""

import numpy as np
import pytest

from gtzan_lib.data.windows import window_table
from gtzan_lib.errors import ArrayError, ModelError, SplitError
from gtzan_lib.evaluation.comparison import difference
from gtzan_lib.inference.fitting import fit_head
from gtzan_lib.studies.heads import compare_representations, evaluate_head


@pytest.fixture(scope="module")
def head(toy_corpus):
    corpus, windows, _, features = toy_corpus
    return evaluate_head(features, windows, corpus)


def test_predictions_are_those_of_fit_head(toy_corpus, head):
    corpus, windows, _, features = toy_corpus
    ids = list(dict.fromkeys(windows["track_id"]))
    rows = [features[(windows["track_id"] == track_id).to_numpy()] for track_id in ids]
    genres = [track_id.partition(".")[0] for track_id in ids]
    fitted = fit_head(rows, genres, corpus.artists_of(ids).tolist())
    evaluation = head.calibrated
    np.testing.assert_array_equal(
        evaluation.windows[evaluation.genres], np.concatenate(fitted.windows)
    )
    np.testing.assert_allclose(evaluation.tracks[evaluation.genres], fitted.tracks)
    assert evaluation.accuracy().value == fitted.track_accuracy.value
    assert evaluation.accuracy("window").value == fitted.window_accuracy.value
    for unit in ("track", "window"):
        for calibrated, one in ((True, evaluation), (False, head.uncalibrated)):
            expected = fitted.calibration(unit, calibrated=calibrated).value
            assert one.calibration_error(unit) == pytest.approx(expected)


def test_temperature_changes_confidence_and_no_prediction(head):
    before, after = head.uncalibrated, head.calibrated
    assert (before.predictions()["predicted"] == after.predictions()["predicted"]).all()
    confidence = [one.windows[one.genres].max(axis=1).mean() for one in (before, after)]
    assert (confidence[0] > confidence[1]) == (head.fitted.head.temperature > 1)
    np.testing.assert_allclose(before.windows[before.genres].sum(axis=1), 1)


def test_rows_in_any_order(toy_corpus, head):
    corpus, windows, _, features = toy_corpus
    order = np.random.default_rng(5).permutation(len(windows))
    mixed = evaluate_head(features[order], windows.iloc[order], corpus)
    assert (mixed.calibrated.windows["window_id"] == windows["window_id"].to_numpy()[order]).all()
    probabilities = mixed.calibrated.windows[mixed.calibrated.genres].to_numpy()
    assert np.ptp(probabilities[:, 0]) > 0.5
    assert mixed.calibrated.accuracy("window").value > 0.6


@pytest.mark.parametrize("protocol", ["artist", "track"])
def test_nothing_is_trained_and_tested(paper_corpus, protocol):
    rows = [(g, f"{g} {a // 2}", 6.0) for g in ("blues", "jazz") for a in range(12)]
    corpus = paper_corpus(rows)
    windows = window_table(corpus)
    X = np.random.default_rng(0).standard_normal((len(windows), 4))
    evaluation = evaluate_head(X, windows, corpus, protocol=protocol).calibrated
    evaluation.split.check()
    assert evaluation.split.protocol == protocol
    assert len(evaluation.split) == 5
    for number, fold in enumerate(evaluation.split):
        assert (evaluation.windows["fold"].to_numpy()[fold.test] == number).all()
        assert len(fold.train) + len(fold.test) == len(windows)
    shared = any(evaluation.split.shared("artist", fold) for fold in range(5))
    assert shared == (protocol == "track")


def test_representations_are_compared_with_the_first(toy_corpus, head):
    corpus, windows, _, features = toy_corpus
    noise = np.random.default_rng(1).standard_normal((len(features), 5))
    other = evaluate_head(noise, windows, corpus)
    table = compare_representations({"features": head, "noise": other})
    assert table.index.tolist() == [
        (name, unit) for name in ("features", "noise") for unit in ("track", "window")
    ]
    assert table["width"].tolist() == [3, 3, 5, 5]
    assert table["n"].tolist() == [60, 240, 60, 240]
    for (name, unit), row in table.iterrows():
        evaluation = {"features": head, "noise": other}[name].calibrated
        assert tuple(row[["accuracy", "low", "high"]]) == evaluation.accuracy(unit)[:3]
        change = difference(evaluation, head.calibrated, unit)
        assert tuple(row[["difference", "difference_low", "difference_high"]]) == change[:3]
    assert table.loc[("noise", "track"), "difference_high"] < 0
    assert (table.loc["features", "difference"] == 0).all()


def test_invalid_input_is_refused(toy_corpus):
    corpus, windows, _, features = toy_corpus
    with pytest.raises(SplitError, match="X has 5 rows for 240 windows"):
        evaluate_head(features[:5], windows, corpus)
    with pytest.raises(SplitError, match="choose artist or track"):
        evaluate_head(features, windows, corpus, protocol="window")
    with pytest.raises(ArrayError):
        evaluate_head(features.tolist(), windows, corpus)
    one = (windows["genre"] == "jazz").to_numpy()
    with pytest.raises(ModelError, match="only the genre jazz"):
        evaluate_head(features[one], windows[one], corpus)
