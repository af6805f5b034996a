"""A composed corpus for all loaders."""

from pathlib import Path

import pytest

from gtzan_lib.synthetic import compose


@pytest.fixture(scope="session")
def composed(tmp_path_factory) -> Path:
    """Six composed tracks of two genres, 1.5 s long; not to be changed."""
    folder = tmp_path_factory.mktemp("composed") / "c"
    return compose(
        folder, artists=3, tracks=1, seconds=1.5, genres=("blues", "jazz"), progress=False
    )
