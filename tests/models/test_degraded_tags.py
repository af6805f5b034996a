"""What degradations do to tags, as affine maps."""

import numpy as np
import pytest

from gtzan_lib.errors import ModelError
from gtzan_lib.models.degraded_tags import TagChange, fit_change, load_changes, save_changes
from gtzan_lib.models.musicnn import MusiCNN
from gtzan_lib.signal.degradations import DEGRADATIONS

TAGS = len(MusiCNN.TAGS)


@pytest.fixture(scope="module")
def clean():
    return 3 * np.random.default_rng(0).standard_normal((600, 8)) - 4


def test_an_affine_change_is_found(clean):
    rng = np.random.default_rng(1)
    change = TagChange(0.2 * rng.standard_normal((8, 8)), rng.standard_normal(8))
    found = fit_change(clean, change(clean))
    other = 3 * rng.standard_normal((50, 8)) - 4
    # The penalty shrinks it a little.
    np.testing.assert_allclose(found(other), change(other), atol=0.5)
    assert np.abs(found(other) - change(other)).mean() < 0.1


def test_noise_is_not_fitted(clean):
    noise = np.random.default_rng(2).standard_normal(clean.shape)
    found = fit_change(clean, clean + noise)
    assert np.abs(found.weights).max() < 0.05


def test_changes_are_kept_in_a_file(clean, tmp_path):
    change = fit_change(clean, 1.1 * clean + 1)
    save_changes({"tilt -3 dB/octave": change, "another": change}, tmp_path / "changes.safetensors")
    found = load_changes(tmp_path / "changes.safetensors")
    assert set(found) == {"tilt -3 dB/octave", "another"}
    np.testing.assert_allclose(found["another"](clean), change(clean), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("content", [b"", b"{}", b"\0" * 100])
def test_damaged_files_are_refused(tmp_path, content):
    (tmp_path / "changes.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"changes\.safetensors: is missing or damaged"):
        load_changes(tmp_path / "changes.safetensors")
    with pytest.raises(ModelError, match="is missing or damaged"):
        load_changes(tmp_path / "none.safetensors")


def test_the_package_has_all_degradations_of_the_book():
    changes = load_changes()
    assert set(changes) == set(DEGRADATIONS)
    logits = np.full((4, TAGS), -3.0)
    for change in changes.values():
        assert change.weights.shape == (TAGS, TAGS)
        # Tags of degraded music are other ones, and still tags.
        assert 0.01 < np.abs(change(logits) - logits).mean() < 5
