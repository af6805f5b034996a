"""Recall and precision of the health check on known faults."""

from __future__ import annotations

import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..stats import wilson_interval
from .report import HealthReport

__all__ = ["score_report"]


def score_report(report: HealthReport, truth: pd.DataFrame) -> pd.DataFrame:
    """Compare a report with known faults.

    Parameters
    ----------
    report : HealthReport
        The report.
    truth : pd.DataFrame
        One row per known fault: `track_id`, `fault`, and `source_track` if the
        track is a copy (else empty), as in the synthetic corpus' `truth.csv` and
        from `gtzan.known_faults`.

    Returns
    -------
    pd.DataFrame
        Indexed by `fault`: `known`, `found`, `recall` with Wilson's 95 % interval
        (`low`, `high`); `false_alarms`, the number of errors and warnings that are
        not in `truth`; and `precision`, `found` relative to both. Pairs that are
        not in `truth` have a row of their own, `copies`; copies of one track count
        as copies of each other.
    """
    truth = truth.assign(source_track=truth["source_track"].astype(object).fillna(""))
    copies = truth[truth["source_track"] != ""]
    reported = set(zip(report.faults["track_id"], report.faults["fault"], strict=True))
    pairs = {frozenset(pair) for pair in report.duplicates[["a", "b"]].to_numpy()}
    hits = [
        frozenset((row.track_id, row.source_track)) in pairs
        if row.source_track
        else (row.track_id, row.fault) in reported
        for row in truth.itertuples()
    ]
    counts = truth.assign(hit=hits).groupby("fault", sort=False)["hit"].agg(["size", "sum"])
    table = counts.rename(columns={"size": "known", "sum": "found"})
    table["recall"] = table["found"] / table["known"]
    limits = [wilson_interval(k, n) for k, n in table[["found", "known"]].to_numpy()]
    table["low"], table["high"] = ([pair[side] for pair in limits] for side in (0, 1))
    known = set(zip(truth["track_id"], truth["fault"], strict=True))
    known |= {(name, "mislabelled") for name in {*copies["track_id"], *copies["source_track"]}}
    serious = report.faults[report.faults["severity"] != "notice"]
    serious = zip(serious["track_id"], serious["fault"], strict=True)
    alarms = pd.Series(
        [fault for track, fault in serious if (track, fault) not in known], dtype=str
    )
    table["false_alarms"] = alarms.value_counts().reindex(table.index, fill_value=0).astype(int)
    others = alarms[~alarms.isin(table.index)].value_counts().to_dict()
    unknown_pairs = sum(not known_pair for known_pair in _known_pairs(pairs, copies))
    if unknown_pairs:
        others["copies"] = unknown_pairs
    for fault, number in others.items():
        table.loc[fault, ["known", "found", "false_alarms"]] = (0, 0, number)
    table["precision"] = table["found"] / (table["found"] + table["false_alarms"])
    return table.astype({"known": int, "found": int, "false_alarms": int})


def _known_pairs(pairs: set[frozenset[str]], copies: pd.DataFrame) -> list[bool]:
    """Return for each pair whether known copies link its tracks, directly or through others."""
    names = sorted({*copies["track_id"], *copies["source_track"], *(n for p in pairs for n in p)})
    index = {name: number for number, name in enumerate(names)}
    rows = [index[name] for name in copies["track_id"]]
    columns = [index[name] for name in copies["source_track"]]
    links = coo_array(([1] * len(rows), (rows, columns)), shape=(len(names), len(names)))
    _, group = connected_components(links, directed=False)
    return [len({group[index[name]] for name in pair}) == 1 for pair in pairs]
