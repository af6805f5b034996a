"""Memory of tables of features: about that of the numbers, whatever the number of files."""

import importlib
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from gtzan_lib.data.tables import FEATURE_NAMES
from gtzan_lib.signal.features import FeatureTable, features

module = importlib.import_module("gtzan_lib.signal.features")

FILES = 500


def peak_of(function: Callable[[], object]) -> int:
    """Return the largest memory in bytes that a call uses at one time."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def corpus(paper_corpus, monkeypatch):
    """Many files of one window, whose features take no time."""
    rng = np.random.default_rng(0)

    def compute(path, **arguments):
        values = rng.standard_normal((1, len(FEATURE_NAMES)))
        return module._FileFeatures(np.zeros(1), np.full(1, 66_149), values, [""], False)

    monkeypatch.setattr(module, "_cached", lambda corpus, family, reference: compute)
    return paper_corpus([("jazz", None, 3.0)] * FILES)


@pytest.fixture
def table(corpus) -> FeatureTable:
    return features(corpus)


def test_files_are_collected_without_a_table_for_each(corpus):
    features(corpus)
    assert peak_of(lambda: features(corpus)) < 5 * FILES * len(FEATURE_NAMES) * 8


def test_a_table_is_written_in_pieces(table, tmp_path, monkeypatch):
    whole = table.save(tmp_path / "whole.csv").read_bytes()
    monkeypatch.setattr(module, "_ROWS_AT_A_TIME", 50)
    pieces = tmp_path / "pieces.csv"
    assert peak_of(lambda: table.save(pieces)) < 5 * table.values.nbytes
    assert pieces.read_bytes() == whole
    assert whole.count(b"\n") == FILES + 1
