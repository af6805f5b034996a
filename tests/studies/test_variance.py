"""Variance shares, on data with known components; artists of tracks."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.data.windows import window_table
from gtzan_lib.errors import CorpusError
from gtzan_lib.studies.variance import genre_share_interval, variance_shares

LEVELS = ["genre", "artist", "track", "window"]


def nested_corpus(paper_corpus, rng=None, *, genres=40, artists=4, tracks=3, cut=3):
    """Return a corpus and its windows; with `rng`, groups differ in size."""

    def size(mean):
        return mean if rng is None else rng.integers(1, 2 * mean)

    rows = [
        (f"g{genre:02d}", f"{genre}.{artist}", 3.0 * size(cut))
        for genre in range(genres)
        for artist in range(size(artists))
        for _ in range(size(tracks))
    ]
    corpus = paper_corpus(rows)
    return corpus, window_table(corpus)


def random_effects(corpus, table, variances, rng):
    """Return a feature as the sum of random effects of each level, with given variances."""
    artists = corpus.tracks["artist"].loc[table["track_id"]]
    groups = table["genre"], artists, table["track_id"], np.arange(len(table))
    x = np.zeros(len(table))
    for variance, names in zip(variances, groups, strict=True):
        codes = pd.factorize(np.asarray(names))[0]
        x += np.sqrt(variance) * rng.normal(size=codes.max() + 1)[codes]
    return x


def shares(x, table, corpus):
    """Return the shares of a single feature."""
    return variance_shares(pd.DataFrame({"x": x}), table, corpus).loc["x"]


# --- artists ------------------------------------------------------------------


@pytest.fixture
def few(paper_corpus):
    """Four tracks, two of them of a known artist."""
    rows = [("blues", "Ma", 9.0), ("blues", None, 9.0), ("rock", "Ma", 9.0), ("rock", None, 9.0)]
    return paper_corpus(rows)


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series, pd.Index])
def test_artists_of_repeated_tracks_in_any_order(few, kind):
    artists = few.artists_of(kind(["rock.00000", "blues.00001", "blues.00000", "blues.00001"]))
    assert artists.tolist() == ["Ma", "blues.00001", "Ma", "blues.00001"]
    assert artists.dtype == object


def test_artists_of_a_column_with_any_index(few):
    table = window_table(few).iloc[::-1].set_index("window_id")
    artists = few.artists_of(table["track_id"])
    assert artists.tolist() == ["rock.00001"] * 3 + ["Ma"] * 3 + ["blues.00001"] * 3 + ["Ma"] * 3


def test_artists_of_no_tracks(few):
    assert few.artists_of([]).tolist() == []


def test_artists_of_any_iterable(few):
    assert few.artists_of(name for name in ["blues.00000", "rock.00001"]).tolist() == [
        "Ma",
        "rock.00001",
    ]
    assert few.artists_of({"rock.00000": None}).tolist() == ["Ma"]


@pytest.mark.parametrize(
    "track_ids", [["jazz.00000"], ["blues.00000", "jazz.00000", "blues.00001"]]
)
def test_artists_of_unknown_tracks_are_refused(few, track_ids):
    """A track of another corpus is not treated as one of an unknown artist."""
    with pytest.raises(CorpusError, match=r"jazz\.00000"):
        few.artists_of(track_ids)


def test_shares_of_unknown_tracks_are_refused(few, paper_corpus):
    table = window_table(paper_corpus([(g, "Ma", 9.0) for g in ("blues", "jazz")]))
    with pytest.raises(CorpusError, match=r"jazz\.00000"):
        variance_shares(pd.DataFrame({"x": np.arange(6.0)}), table, few)


# --- shares -------------------------------------------------------------------


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("parts", [(4, 3, 2, 1), (0, 1, 0, 1), (1, 0, 3, 0)])
def test_shares_are_those_of_the_simulation(paper_corpus, balanced, parts):
    rng = np.random.default_rng(sum(parts))
    corpus, table = nested_corpus(paper_corpus, None if balanced else rng)
    features = pd.DataFrame(
        {number: random_effects(corpus, table, parts, rng) for number in range(60)}
    )
    mean = variance_shares(features, table, corpus).mean()
    assert mean.index.tolist() == LEVELS
    # Components of zero are biased, since negative estimates are set to zero.
    np.testing.assert_allclose(mean, np.array(parts) / sum(parts), atol=0.045)


def test_balanced_shares_equal_the_analysis_of_variance(paper_corpus, rng):
    """The estimate from mean squares, for groups of equal size."""
    g, a, t, w = 12, 4, 3, 3
    corpus, table = nested_corpus(paper_corpus, genres=g, artists=a, tracks=t, cut=w)
    x = random_effects(corpus, table, (3, 2, 2, 1), rng)
    cube = x.reshape(g, a, t, w)
    means = [cube.mean(axis=axes) for axes in ((0, 1, 2, 3), (1, 2, 3), (2, 3), 3)] + [cube]
    below = [n.reshape(*np.shape(n), *[1] * (4 - np.ndim(n))) for n in map(np.asarray, means)]
    squares = [((fine - coarse) ** 2).sum() for coarse, fine in itertools.pairwise(below)]
    # The sums are over means; multiply by the number of windows of each.
    squares = np.array(squares) * [a * t * w, t * w, w, 1]
    freedom = np.array([g - 1, g * (a - 1), g * a * (t - 1), g * a * t * (w - 1)])
    ms = squares / freedom
    parts = np.append((ms[:-1] - ms[1:]) / [a * t * w, t * w, w], ms[-1])
    assert (parts > 0).all()
    np.testing.assert_allclose(shares(x, table, corpus), parts / parts.sum())


@pytest.mark.parametrize("level", range(4))
def test_feature_with_one_component(paper_corpus, rng, level):
    corpus, table = nested_corpus(paper_corpus, np.random.default_rng(1))
    result = shares(random_effects(corpus, table, np.eye(4)[level], rng), table, corpus)
    assert result.idxmax() == LEVELS[level]
    assert result.max() > 0.9


def test_shares_are_non_negative_and_sum_to_one(paper_corpus, rng):
    corpus, table = nested_corpus(paper_corpus, rng, genres=4)
    result = variance_shares(pd.DataFrame(rng.normal(size=(len(table), 30))), table, corpus)
    assert (result >= 0).all(axis=None)
    np.testing.assert_allclose(result.sum(axis=1), 1)


def test_units_and_order_of_windows_do_not_matter(paper_corpus, rng):
    corpus, table = nested_corpus(paper_corpus, rng, genres=6)
    x = random_effects(corpus, table, (1, 1, 1, 1), rng)
    plain, order = shares(x, table, corpus), rng.permutation(len(table))
    np.testing.assert_allclose(shares(1e6 - 1e-3 * x, table, corpus), plain, atol=1e-6)
    np.testing.assert_allclose(shares(x[order], table.iloc[order], corpus), plain)


def test_features_are_independent(paper_corpus, rng):
    corpus, table = nested_corpus(paper_corpus, rng, genres=6)
    values = pd.DataFrame(rng.normal(size=(len(table), 3)) * [1, 1e4, 1e-4], columns=list("abc"))
    result = variance_shares(values, table, corpus)
    assert result.index.tolist() == list("abc")
    for name in values:
        np.testing.assert_allclose(result.loc[name], shares(values[name], table, corpus))


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, -1234.5678])
def test_constant_feature_has_no_shares(paper_corpus, rng, value):
    corpus, table = nested_corpus(paper_corpus, rng, genres=5)
    values = pd.DataFrame({"x": rng.normal(size=len(table)), "flat": value})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = variance_shares(values, table, corpus)
    assert result.loc["flat"].isna().all()
    np.testing.assert_allclose(result.loc["x"], shares(values["x"], table, corpus))


def test_one_window_a_track(paper_corpus, rng):
    corpus, table = nested_corpus(paper_corpus, cut=1)
    result = shares(random_effects(corpus, table, (1, 1, 1, 1), rng), table, corpus)
    assert result.index.tolist() == LEVELS[:3]
    # The components of track and window cannot be separated.
    assert result["track"] == pytest.approx(0.5, abs=0.1)


def test_one_genre(paper_corpus, rng):
    corpus, table = nested_corpus(paper_corpus, genres=1, artists=50)
    result = shares(random_effects(corpus, table, (9, 1, 1, 1), rng), table, corpus)
    assert result.index.tolist() == LEVELS[1:]
    np.testing.assert_allclose(result, 1 / 3, atol=0.12)


def test_one_artist_a_genre(paper_corpus, rng):
    corpus, table = nested_corpus(paper_corpus, artists=1, tracks=4)
    result = shares(random_effects(corpus, table, (1, 0, 1, 1), rng), table, corpus)
    assert result.index.tolist() == ["genre", "track", "window"]
    np.testing.assert_allclose(result, 1 / 3, atol=0.12)


def test_track_of_unknown_artist_counts_as_an_artist(paper_corpus, rng):
    known = [("blues", "A", 9.0), ("blues", "A", 9.0), ("rock", "B", 9.0), ("rock", "B", 9.0)]
    single = [("blues", "C", 9.0), ("blues", "D", 9.0), ("rock", "E", 9.0), ("rock", "F", 9.0)]
    named, hidden = (
        paper_corpus(known + [(g, who if shown else None, s) for g, who, s in single])
        for shown in (True, False)
    )
    table = window_table(named)
    x = rng.normal(size=len(table))
    np.testing.assert_array_equal(shares(x, table, named), shares(x, table, hidden))


def test_artist_of_two_genres_counts_as_two(paper_corpus, rng):
    rows = [(g, str(a), 9.0) for g in ("blues", "jazz", "rock") for a in range(4) for _ in "xy"]
    both, apart = paper_corpus(rows), paper_corpus([(g, g + a, s) for g, a, s in rows])
    table = window_table(both)
    x = rng.normal(size=len(table))
    np.testing.assert_array_equal(shares(x, table, both), shares(x, table, apart))


@pytest.mark.parametrize("known", [False, True])
def test_one_track_an_artist(paper_corpus, rng, known):
    """The component is that of tracks, whether artists are known or not."""
    rows = [(f"g{g}", f"{g}.{t}" if known else None, 9.0) for g in range(30) for t in range(5)]
    corpus = paper_corpus(rows)
    table = window_table(corpus)
    codes = pd.factorize(table["track_id"])[0]
    x = rng.normal(size=codes.max() + 1)[codes] + rng.normal(size=len(codes))
    result = shares(x, table, corpus)
    assert result.index.tolist() == ["genre", "track", "window"]
    assert result["track"] == pytest.approx(0.5, abs=0.1)


def test_one_track_an_artist_and_one_window_a_track(paper_corpus, rng):
    corpus, table = nested_corpus(paper_corpus, tracks=1, cut=1)
    result = shares(random_effects(corpus, table, (1, 1, 0, 0), rng), table, corpus)
    assert result.index.tolist() == ["genre", "track"]
    np.testing.assert_allclose(result, 1 / 2, atol=0.12)


def test_interval_of_the_genres_share_covers_the_truth(paper_corpus):
    corpus, table = nested_corpus(paper_corpus)
    covered = []
    for seed in range(20):
        x = random_effects(corpus, table, (1, 1, 1, 1), np.random.default_rng(seed))
        low, high = genre_share_interval(pd.DataFrame({"x": x}), table, corpus)
        (share,) = variance_shares(pd.DataFrame({"x": x}), table, corpus)["genre"]
        assert 0 <= low <= share <= high <= 1
        covered.append(low <= 0.25 <= high)
    assert sum(covered) >= 15


def test_few_artists_have_no_interval(paper_corpus):
    rows = [(genre, f"{genre}.{n}", 3.0) for genre in ("blues", "rock") for n in range(1)]
    corpus = paper_corpus(rows)
    table = window_table(corpus)
    frame = pd.DataFrame({"x": np.arange(len(table), dtype=float)})
    assert np.isnan(genre_share_interval(frame, table, corpus)).all()
