"""The published tags of MusiCNN, here with composed values."""

import numpy as np
import pytest

from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.loaders.gtzan_activations import test_tags as tags_of_test_part
from gtzan_lib.data.loaders.gtzan_activations import training_tags

from .activations import write_activations


@pytest.mark.parametrize(
    ("part", "read", "count"), [("train", training_tags, 443), ("test", tags_of_test_part, 290)]
)
def test_tags_of_each_track_in_order(tmp_path, part, read, count):
    written = write_activations(tmp_path, part, patches=7)
    found = read(tmp_path)
    partition = gtzan.facts()["partition"]
    assert list(found.track_ids) == sorted(partition.index[partition == part])
    assert len(found.logits) == count
    for track_id, logits in zip(found.track_ids, found.logits, strict=True):
        # One patch every 3 s; patches are published for each second.
        activations = written[track_id][::3]
        np.testing.assert_allclose(1 / (1 + np.exp(-logits)), activations, atol=1e-5)
        assert logits.dtype == np.float32


def test_certain_tags_have_finite_logits(tmp_path):
    written = write_activations(tmp_path, "train", patches=1, value=1.0)
    assert len(written) == 443
    assert np.isfinite(np.concatenate(training_tags(tmp_path).logits)).all()


def test_missing_or_damaged_files_are_named(tmp_path):
    with pytest.raises(Exception, match=r"train443\.npz: the activations cannot be read"):
        training_tags(tmp_path)
    (tmp_path / "musicnn").mkdir()
    (tmp_path / "musicnn" / "msd_musicnn_taggram_test290.npz").write_bytes(b"PK")
    with pytest.raises(Exception, match=r"test290\.npz: the activations cannot be read"):
        tags_of_test_part(tmp_path)
