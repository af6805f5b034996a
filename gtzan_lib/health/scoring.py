"""How well the health check finds faults that are known to be there."""

from __future__ import annotations

import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import binomtest

from .report import HealthReport

__all__ = ["score_report"]


def score_report(report: HealthReport, truth: pd.DataFrame) -> pd.DataFrame:
    """Compare a report with the truth, fault by fault.

    Parameters
    ----------
    report : HealthReport
        What was found.
    truth : pd.DataFrame
        One row a known fault: `track_id`, `fault`, and `source_track` where the
        track is a copy (else empty), as in the synthetic corpus' `truth.csv` and
        from `gtzan.known_faults`.

    Returns
    -------
    pd.DataFrame
        Indexed by `fault`: `known`, `found`, `recall` with Wilson's 95 % interval
        (`low`, `high`); `false_alarms`, errors and warnings of that name that the
        truth does not know; and `precision`, the share of findings that are none.
        Pairs that the truth does not know have a row `copies` of their own; copies
        of one track count as copies of each other.
    """
    truth = truth.assign(source_track=truth["source_track"].astype(object).fillna(""))
    copies = truth[truth["source_track"] != ""]
    found = set(zip(report.faults["track_id"], report.faults["fault"], strict=True))
    pairs = {frozenset(pair) for pair in report.duplicates[["a", "b"]].to_numpy()}
    hits = [
        frozenset((row.track_id, row.source_track)) in pairs
        if row.source_track
        else (row.track_id, row.fault) in found
        for row in truth.itertuples()
    ]
    counts = truth.assign(hit=hits).groupby("fault", sort=False)["hit"].agg(["size", "sum"])
    table = counts.rename(columns={"size": "known", "sum": "found"})
    table["recall"] = table["found"] / table["known"]
    tests = [binomtest(int(k), int(n)) for k, n in table[["found", "known"]].to_numpy()]
    limits = [test.proportion_ci(method="wilson") for test in tests]
    table["low"], table["high"] = (
        [getattr(one, side) for one in limits] for side in ("low", "high")
    )
    told = set(zip(truth["track_id"], truth["fault"], strict=True))
    told |= {(name, "mislabelled") for name in {*copies["track_id"], *copies["source_track"]}}
    serious = report.faults[report.faults["severity"] != "notice"]
    serious = zip(serious["track_id"], serious["fault"], strict=True)
    alarms = pd.Series([fault for track, fault in serious if (track, fault) not in told], dtype=str)
    table["false_alarms"] = alarms.value_counts().reindex(table.index, fill_value=0).astype(int)
    others = alarms[~alarms.isin(table.index)].value_counts().to_dict()
    strange = sum(not group_of_both for group_of_both in _known_pairs(pairs, copies))
    if strange:
        others["copies"] = strange
    for fault, number in others.items():
        table.loc[fault, ["known", "found", "false_alarms"]] = (0, 0, number)
    table["precision"] = table["found"] / (table["found"] + table["false_alarms"])
    return table.astype({"known": int, "found": int, "false_alarms": int})


def _known_pairs(pairs: set[frozenset[str]], copies: pd.DataFrame) -> list[bool]:
    """Tell of each pair whether the truth links its two tracks, be it through others."""
    names = sorted({*copies["track_id"], *copies["source_track"], *(n for p in pairs for n in p)})
    place = {name: number for number, name in enumerate(names)}
    rows = [place[name] for name in copies["track_id"]]
    columns = [place[name] for name in copies["source_track"]]
    links = coo_array(([1] * len(rows), (rows, columns)), shape=(len(names), len(names)))
    _, group = connected_components(links, directed=False)
    return [len({group[place[name]] for name in pair}) == 1 for pair in pairs]
