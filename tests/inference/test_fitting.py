"""Heads on the tags of another net."""

import numpy as np
import pytest
import torch

from gtzan_lib.errors import ModelError
from gtzan_lib.evaluation.aggregate import aggregate
from gtzan_lib.inference.fitting import fit_head
from gtzan_lib.stats import calibration_error

GENRES = ("fado", "samba", "tango")


def tracks(n=12, *, spread=1.0, seed=0, genres=GENRES):
    """Return logits, genres and artists of tracks; two tracks an artist."""
    rng = np.random.default_rng(seed)
    logits, names, artists = [], [], []
    for column, genre in enumerate(genres):
        for number in range(n):
            centre = np.zeros(6)
            centre[column] = 2
            track = centre + spread * rng.standard_normal(6)
            logits.append((track + rng.standard_normal((4, 6))).astype(np.float32))
            names.append(genre)
            artists.append(f"{genre} {number // 2}")
    return logits, names, artists


def test_a_head_learns_and_is_scored_out_of_fold():
    logits, names, artists = tracks(20)
    fitted = fit_head(logits, names, artists)
    assert fitted.genres == GENRES
    assert 0.6 < fitted.track_accuracy.value < 1
    assert fitted.track_accuracy.n == 60
    assert fitted.window_accuracy.n == 240
    assert fitted.window_accuracy.value < fitted.track_accuracy.value
    for rows, whole in zip(fitted.windows, fitted.tracks, strict=True):
        np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)
        np.testing.assert_allclose(whole, aggregate(rows, "geometric mean"))


def test_left_out_predictions_do_not_know_the_label():
    """Labels at random are predicted by chance, although the head fits them."""
    rng = np.random.default_rng(1)
    logits = [rng.standard_normal((3, 30)).astype(np.float32) for _ in range(90)]
    names = rng.permutation(np.repeat(GENRES, 30))
    fitted = fit_head(logits, names, [str(n) for n in range(90)])
    assert fitted.track_accuracy.value < 0.5


def test_an_artist_is_never_on_both_sides():
    """Artists that are recognisable, each with one genre at random, do not help."""
    rng = np.random.default_rng(2)
    logits, names, artists = [], [], []
    for artist in range(30):
        own, genre = 5 * rng.standard_normal(40), GENRES[rng.integers(3)]
        for _ in range(4):
            logits.append((own + rng.standard_normal((3, 40))).astype(np.float32))
            names.append(genre)
            artists.append(str(artist))
    by_artist = fit_head(logits, names, artists).track_accuracy.value
    by_track = fit_head(logits, names, [str(n) for n in range(120)]).track_accuracy.value
    assert by_track > 0.9
    assert by_artist < 0.65


def test_the_temperature_calibrates():
    logits, names, artists = tracks(30, spread=1.6, seed=3)
    fitted = fit_head(logits, names, artists)
    confidence = fitted.tracks.max(axis=1).mean()
    assert confidence == pytest.approx(fitted.track_accuracy.value, abs=0.12)


def test_two_genres():
    """Of two, scikit-learn has one row of coefficients."""
    logits, names, artists = tracks(20, genres=("fado", "samba"))
    fitted = fit_head(logits, names, artists)
    with torch.inference_mode():
        rows = fitted.head(torch.from_numpy(np.concatenate(logits))).softmax(dim=1).numpy()
    assert rows.shape == (160, 2)
    truth = np.repeat([0, 1], 80)
    assert (rows.argmax(axis=1) == truth).mean() > 0.8


def test_equal_calls_give_equal_heads():
    logits, names, artists = tracks()
    heads = [fit_head(logits, names, artists, repetitions=2).head for _ in range(2)]
    for first, second in zip(*(head.state_dict().values() for head in heads), strict=True):
        assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("names", "artists", "words"),
    [
        (["fado"] * 4, "abcd", "only the genre fado"),
        (["fado", "fado", "samba", "samba"], "abcc", "genre 'samba' are by one artist"),
        (["fado", "fado", "samba"], "abc", "genre 'samba' are by one artist, or there is only one"),
    ],
)
def test_too_little_to_leave_out(names, artists, words):
    logits = [np.zeros((2, 3), dtype=np.float32)] * len(names)
    with pytest.raises(ModelError, match=words):
        fit_head(logits, names, list(artists))


def test_temperature_reduces_the_calibration_error():
    logits, names, artists = tracks(40, spread=1.5)
    fitted = fit_head([8 * rows for rows in logits], names, artists)
    for unit, n in (("track", 120), ("window", 480)):
        before = fitted.calibration(unit, calibrated=False)
        after = fitted.calibration(unit)
        assert before.n == after.n == n
        assert after.value < max(before.value, 0.1)
        assert 0 <= after.low <= after.high <= 1


def test_calibration_counts_the_probabilities_of_the_answers():
    logits, names, artists = tracks(12)
    fitted = fit_head(logits, names, artists)
    rows, truth = np.concatenate(fitted.windows), np.repeat(fitted.truth, 4)
    expected = calibration_error(rows.max(axis=1), rows.argmax(axis=1) == truth)
    assert fitted.calibration("window").value == pytest.approx(expected)


def test_each_track_is_left_out_with_its_artist():
    logits, names, artists = tracks(12)
    fitted = fit_head(logits, names, artists)
    fold_of = dict(zip(artists, fitted.folds.tolist(), strict=True))
    assert fitted.folds.tolist() == [fold_of[artist] for artist in artists]
    assert len(fitted.familiarity.tracks) == len(names)


def test_degraded_copies_help_with_degraded_sound():
    def degrade(rows):
        return rows + np.array([3, -3, 0, 0, 0, 0], dtype=np.float32)

    logits, names, artists = tracks(40)
    others, expected, _ = tracks(40, seed=1)
    truth = np.array([GENRES.index(name) for name in expected])

    def accuracy(fitted, some):
        with torch.inference_mode():
            means = torch.stack([fitted.head(torch.from_numpy(rows)).mean(0) for rows in some])
        return np.mean(means.argmax(1).numpy() == truth)

    plain = fit_head(logits, names, artists)
    robust = fit_head(logits, names, artists, degradations=[degrade])
    degraded = [degrade(rows) for rows in others]
    assert accuracy(robust, degraded) > accuracy(plain, degraded) + 0.1
    assert accuracy(robust, others) > accuracy(plain, others) - 0.1
    # Scores out of fold are those of clean tracks.
    assert [len(rows) for rows in robust.logits] == [4] * 120
