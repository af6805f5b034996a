"""What a copy of GTZAN holds, in every layout."""

import numpy as np
import pandas as pd
import pytest

from gtzan_lib.data.tables import COLUMNS
from gtzan_lib.data.workspace import Workspace
from gtzan_lib.errors import CorpusError
from gtzan_lib.published.material import find_material

from ..conftest import write_music

GENRES = ("blues", "rock")


def write_table(file, *, windows):
    names = [f"{genre}.0000{number}" for genre in GENRES for number in range(2)]
    ends = [".wav"] if windows == 1 else [f".{window}.wav" for window in range(windows)]
    rows = [
        {"filename": name + end, "length": 661794, "label": name.split(".")[0]}
        for name in names
        for end in ends
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows).reindex(columns=COLUMNS, fill_value=0.5)
    table.to_csv(file, index=False)


@pytest.mark.parametrize("layout", ["genres_original", "Data/genres_original", "genres", "."])
def test_sound_in_every_layout(tmp_path, layout):
    write_music(tmp_path, layout=layout, genres=GENRES)
    material = find_material(tmp_path)
    assert material.places == {"sound": (tmp_path / layout).resolve()}
    assert material.tracks == {"sound": 4}
    assert material.described("sound") == "whole clips of 30 s (4 tracks)"


def test_everything_beside_each_other(tmp_path):
    write_music(tmp_path, genres=GENRES)
    write_music(tmp_path, layout="clips3s", genres=GENRES, tracks=1)
    write_table(tmp_path / "features_30_sec.csv", windows=1)
    write_table(tmp_path / "features" / "features_3_sec.csv", windows=3)
    (tmp_path / "mel").mkdir()
    np.savez(
        tmp_path / "mel" / "x.npz",
        X=np.zeros((2, 128, 387), np.uint8),
        names=["blues.00000", "rock.00001"],
    )
    material = find_material(tmp_path)
    assert material.tracks == {
        "sound": 4,
        "excerpts": 2,
        "log-mels": 2,
        "features-30s": 4,
        "features-3s": 4,
    }
    assert material.first(["tags", "log-mels", "sound"]) == "log-mels"
    assert material.first(["tags"]) is None
    assert len(material.open("features-3s", Workspace("x"))) == 4
    with pytest.raises(CorpusError, match="has no MusiCNN's tags"):
        material.open("tags", Workspace("x"))


def test_nothing_of_gtzan(tmp_path):
    with pytest.raises(CorpusError, match="holds nothing of GTZAN"):
        find_material(tmp_path)
    write_music(tmp_path, genres=("polka", "gamelan"))
    with pytest.raises(CorpusError, match="holds nothing of GTZAN"):
        find_material(tmp_path)
    with pytest.raises(CorpusError, match="there is no such folder"):
        find_material(tmp_path / "none")
