"""Faults planted in composed music are found, and recall and precision are right."""

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.health.check import check_health
from gtzan_lib.health.faults import FAULT_SEVERITIES as FINDINGS
from gtzan_lib.health.faults import Fault
from gtzan_lib.health.report import HealthReport
from gtzan_lib.health.scoring import score_report
from gtzan_lib.synthetic import PLANTED_FAULTS, compose

COPIES = PLANTED_FAULTS[8:]


@pytest.fixture(scope="session")
def planted(tmp_path_factory):
    """The report on thirty tracks of 12 s, twenty of them with a fault, and the truth."""
    folder = tmp_path_factory.mktemp("planted")
    several = ("clipped", "dropouts", "truncated", "identical", "reencoded", "gain", "shifted")
    compose(
        folder,
        seed=1,
        genres=("blues", "classical", "jazz", "metal", "pop"),
        artists=3,
        tracks=2,
        seconds=12,
        faults={name: 2 if name in several else 1 for name in PLANTED_FAULTS},
        progress=False,
    )
    report = check_health(folder, progress=False)
    return report, pd.read_csv(folder / "truth.csv")


# --- composed music -----------------------------------------------------------


def test_all_planted_faults_are_found_without_false_alarms(planted):
    report, truth = planted
    scores = score_report(report, truth)
    assert set(scores.index) == set(PLANTED_FAULTS)
    assert scores["known"].sum() == len(truth) == 20
    assert scores["found"].tolist() == scores["known"].tolist()
    assert (scores["false_alarms"] == 0).all()


@pytest.mark.parametrize("fault", [name for name in PLANTED_FAULTS if name not in COPIES])
def test_faults_are_found_only_in_their_tracks(planted, fault):
    report, truth = planted
    assert fault in FINDINGS
    track_ids = report.faults.loc[report.faults["fault"] == fault, "track_id"]
    assert sorted(track_ids) == sorted(truth.loc[truth["fault"] == fault, "track_id"])


@pytest.mark.parametrize("fault", COPIES)
def test_kinds_and_lags_of_copies(planted, fault):
    report, truth = planted
    rows = truth[truth["fault"] == fault]
    assert len(rows) >= 1
    for row in rows.itertuples():
        is_pair = report.duplicates[["a", "b"]].isin([row.track_id, row.source_track]).all(axis=1)
        assert is_pair.sum() == 1
        (copy,) = report.duplicates[is_pair].itertuples()
        assert copy.kind == ("identical" if fault == "mislabelled" else fault)
        if fault == "shifted":
            # The copy begins later in the music.
            shift = float(row.detail.split()[1])
            lag_s = shift if copy.a == row.source_track else -shift
            assert copy.lag_s == pytest.approx(lag_s, abs=0.08)
        else:
            assert abs(copy.lag_s) < 0.16


def test_both_tracks_of_a_wrong_label_are_reported(planted):
    report, truth = planted
    (row,) = truth[truth["fault"] == "mislabelled"].itertuples()
    mislabelled = report.faults.loc[report.faults["fault"] == "mislabelled", "track_id"]
    assert {row.track_id, row.source_track} <= set(mislabelled)
    assert {row.track_id, row.source_track} <= set(report.excluded)


def test_the_remaining_tracks_have_no_faults(planted):
    """Of each recording, one track without a fault remains."""
    report, truth = planted
    errors = {"unreadable", "truncated", "too-short", "wrong-rate", "silent", "mislabelled"}
    excluded = set(report.excluded)
    assert set(truth.loc[truth["fault"].isin(errors), "track_id"]) <= excluded
    remaining = report.duplicates[~report.duplicates[["a", "b"]].isin(excluded).any(axis=1)]
    assert len(remaining) == 0
    for row in truth[
        truth["fault"].isin({"identical", "reencoded", "gain", "shifted"})
    ].itertuples():
        assert row.track_id in excluded or row.source_track in excluded
    clean = set(report.track_ids) - set(truth["track_id"]) - set(truth["source_track"].dropna())
    assert not clean & excluded


# --- the score ----------------------------------------------------------------


def report_of(faults=(), copies=()) -> HealthReport:
    """Return a report with faults (track, fault) and pairs."""
    table = pd.DataFrame(
        [Fault.of(track, "", fault, "") for track, fault in faults], columns=Fault._fields
    )
    pairs = [(*pair, "gain", 0.9, 0.0) for pair in copies]
    columns = ["a", "b", "kind", "score", "lag_s"]
    return HealthReport("invented", 9, table, pd.DataFrame(pairs, columns=columns))


def truth_of(*rows) -> pd.DataFrame:
    """Return known faults from rows of (track, fault) or (track, fault, source)."""
    columns = ["track_id", "fault", "source_track"]
    return pd.DataFrame([(*row, "")[:3] for row in rows], columns=columns)


def test_found_and_missed():
    truth = truth_of(*((track, "silent") for track in "abcd"), ("e", "clipped"))
    scores = score_report(report_of([("a", "silent"), ("b", "silent"), ("c", "silent")]), truth)
    assert scores.index.name == "fault"
    assert scores.index.tolist() == ["silent", "clipped"]
    assert scores["known"].tolist() == [4, 1]
    assert scores["found"].tolist() == [3, 0]
    assert scores["recall"].tolist() == [0.75, 0]
    assert scores["false_alarms"].tolist() == [0, 0]
    # Wilson's interval for 3 of 4, from the formula in the literature.
    z, n, p = 1.959964, 4, 0.75
    middle, half = (p + z**2 / 2 / n), z * np.sqrt(p * (1 - p) / n + z**2 / 4 / n**2)
    assert scores.at["silent", "low"] == pytest.approx((middle - half) / (1 + z**2 / n), abs=1e-5)
    assert scores.at["silent", "high"] == pytest.approx((middle + half) / (1 + z**2 / n), abs=1e-5)
    assert scores["found"].dtype == scores["false_alarms"].dtype == int


def test_a_fault_in_another_track_is_a_false_alarm():
    scores = score_report(report_of([("b", "silent")]), truth_of(("a", "silent")))
    assert scores.loc["silent", ["known", "found", "false_alarms"]].tolist() == [1, 0, 1]


def test_another_fault_in_the_track_is_a_false_alarm():
    report = report_of([("a", "clipped"), ("b", "dropouts")])
    scores = score_report(report, truth_of(("a", "silent"), ("b", "dropouts")))
    assert scores["found"].to_dict() == {"silent": 0, "dropouts": 1, "clipped": 0}
    assert scores["false_alarms"].to_dict() == {"silent": 0, "dropouts": 0, "clipped": 1}
    assert scores.at["clipped", "known"] == 0
    assert np.isnan(scores.at["clipped", "recall"])


def test_precision():
    report = report_of([("a", "silent"), ("b", "silent"), ("c", "silent"), ("d", "clipped")])
    scores = score_report(report, truth_of(("a", "silent"), ("e", "dropouts")))
    assert scores["precision"].to_dict() == pytest.approx(
        {"silent": 1 / 3, "dropouts": np.nan, "clipped": 0}, nan_ok=True
    )


def test_notices_are_no_false_alarms():
    scores = score_report(
        report_of([("a", "silent"), ("a", "wrong-encoding"), ("", "unknown-copy")]),
        truth_of(("a", "silent")),
    )
    assert scores.index.tolist() == ["silent"]
    assert scores["false_alarms"].tolist() == [0]


def test_the_order_of_a_pair_does_not_matter():
    truth = truth_of(("a", "gain", "b"), ("d", "shifted", "c"), ("f", "shifted", "e"))
    scores = score_report(report_of(copies=[("a", "b"), ("c", "d")]), truth)
    assert scores["found"].to_dict() == {"gain": 1, "shifted": 1}
    assert scores["recall"].to_dict() == {"gain": 1, "shifted": 0.5}
    assert scores["false_alarms"].sum() == 0


def test_copies_of_one_track_are_copies_of_each_other():
    """This holds for any number of steps, even if their source was not found."""
    truth = truth_of(("b", "gain", "a"), ("c", "shifted", "a"), ("d", "reencoded", "c"))
    scores = score_report(report_of(copies=[("b", "c"), ("b", "d")]), truth)
    assert scores["found"].tolist() == [0, 0, 0]
    assert "copies" not in scores.index


def test_unknown_pairs_are_false_alarms():
    truth = truth_of(("b", "gain", "a"), ("d", "gain", "c"))
    scores = score_report(report_of(copies=[("a", "b"), ("a", "c"), ("x", "y")]), truth)
    assert scores.loc["copies", ["known", "found", "false_alarms"]].tolist() == [0, 0, 2]
    assert scores.loc["gain", ["known", "found", "false_alarms"]].tolist() == [2, 1, 0]


def test_a_wrong_label_may_be_reported_for_both_tracks():
    """The report names all copies in two genres."""
    truth = truth_of(("rock.0", "mislabelled", "jazz.0"), ("jazz.1", "gain", "jazz.2"))
    report = report_of(
        [("rock.0", "mislabelled"), ("jazz.0", "mislabelled"), ("pop.0", "mislabelled")],
        [("jazz.0", "rock.0")],
    )
    scores = score_report(report, truth)
    assert scores["found"].to_dict() == {"mislabelled": 1, "gain": 0}
    assert scores["false_alarms"].to_dict() == {"mislabelled": 1, "gain": 0}


def test_no_reported_and_no_known_faults():
    assert score_report(report_of(), truth_of(("a", "silent")))["found"].tolist() == [0]
    assert len(score_report(report_of(), truth_of())) == 0
    scores = score_report(report_of([("a", "silent")], [("a", "b")]), truth_of())
    assert scores["false_alarms"].to_dict() == {"silent": 1, "copies": 1}


@pytest.mark.filterwarnings("error")
def test_a_file_of_faults_without_copies(tmp_path):
    (tmp_path / "truth.csv").write_text(
        "track_id,fault,detail,source_track\na,silent,,\nb,clipped,,\n"
    )
    scores = score_report(report_of([("a", "silent")]), pd.read_csv(tmp_path / "truth.csv"))
    assert scores["found"].to_dict() == {"silent": 1, "clipped": 0}


def test_known_faults_of_gtzan():
    from gtzan_lib.data.loaders import gtzan

    known = gtzan.known_faults()
    copies = known.dropna(subset="source_track")
    report = report_of(
        [("jazz.00054", "unreadable")], copies[["track_id", "source_track"]].to_numpy().tolist()
    )
    scores = score_report(report, known)
    assert scores["known"].sum() == len(known)
    assert scores.drop("distorted")["recall"].eq(1).all()
    assert scores.at["distorted", "found"] == 0
    assert scores["false_alarms"].sum() == 0
