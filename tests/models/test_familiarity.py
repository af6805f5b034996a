"""The distance of sound to what a model was trained on."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gtzan_lib.models.familiarity import FALSE_ALARMS, Familiarity, fit_familiarity

FOLDS = 5


def tracks(n=200, *, windows=8, values=6, seed=0, centre=0.0):
    """Return windows that are spread around the mean of their track."""
    rng = np.random.default_rng(seed)
    means = centre + rng.standard_normal((n, 1, values))
    return list((means + 0.3 * rng.standard_normal((n, windows, values))).astype(np.float32))


def folds(n):
    numbers = np.arange(n)
    return [(numbers[numbers % FOLDS != k], numbers[numbers % FOLDS == k]) for k in range(FOLDS)]


@pytest.fixture(scope="module")
def fitted():
    return fit_familiarity(tracks(), folds(200))


def distances(familiarity, some):
    return np.array([float(familiarity(torch.from_numpy(track)).mean()) for track in some])


def test_other_tracks_of_the_same_kind_are_rarely_unfamiliar(fitted):
    others = distances(fitted, tracks(2000, seed=1))
    assert np.mean(others > fitted.limit(8)) == pytest.approx(FALSE_ALARMS, abs=0.03)


def test_what_is_far_away_is_unfamiliar(fitted):
    assert (distances(fitted, tracks(seed=2, centre=8.0)) > fitted.limit(8)).all()


def test_limits_hold_for_short_sound(fitted):
    others = tracks(2000, seed=3)
    for windows in (1, 2, 4):
        means = distances(fitted, [track[:windows] for track in others])
        assert np.mean(means > fitted.limit(windows)) == pytest.approx(FALSE_ALARMS, abs=0.03)
    # Means of more windows vary less.
    assert fitted.limit(1) > fitted.limit(8) == fitted.limit(100)


def test_training_tracks_are_left_out_of_their_own_references(fitted):
    """Otherwise each window were its own nearest neighbour."""
    inside = distances(fitted, tracks())
    assert inside.mean() < fitted.tracks.mean()
    share = (fitted.tracks > fitted.limit(8)).float().mean()
    assert float(share) == pytest.approx(FALSE_ALARMS, abs=0.01)
    assert torch.equal(fitted.tracks, fitted.tracks.sort().values)


@given(st.integers(0, 1000), st.floats(0.01, 100))
def test_units_of_the_values_do_not_matter(seed, scale):
    """The covariance of standardised values is whitened."""
    some = tracks(30, seed=seed)
    units = np.array([scale, 1, 1, 1 / scale, 1, 1], dtype=np.float32)
    plain = fit_familiarity(some, folds(30))
    scaled = fit_familiarity([track * units for track in some], folds(30))
    np.testing.assert_allclose(scaled.tracks, plain.tracks, rtol=1e-2)


def test_distance_is_the_mean_to_five_neighbours():
    some = tracks(4, windows=3)
    fitted = fit_familiarity(some, folds(4)[:4])
    rows = (np.concatenate(some) - fitted.mean.numpy()) @ fitted.whitening.numpy()
    x = np.ones((1, 6), dtype=np.float32)
    white = (x - fitted.mean.numpy()) @ fitted.whitening.numpy()
    nearest = np.sort(np.linalg.norm(rows - white, axis=1))[:5].mean()
    assert float(fitted(torch.from_numpy(x))[0]) == pytest.approx(nearest, rel=1e-4)


def test_many_windows_are_thinned():
    fitted = fit_familiarity(tracks(800), folds(800))
    assert 2500 < len(fitted.references) <= 5000


def test_values_that_never_change_do_no_harm():
    some = [np.concatenate([track, np.ones((8, 1), np.float32)], axis=1) for track in tracks(20)]
    assert np.isfinite(fit_familiarity(some, folds(20)).tracks.numpy()).all()


def test_weights_can_be_stored(fitted):
    weights = fitted.state_dict()
    other = Familiarity(*weights["references"].shape, len(weights["limits"]), 200)
    other.load_state_dict(weights)
    x = torch.randn(5, 6)
    assert torch.equal(other(x), fitted(x))
