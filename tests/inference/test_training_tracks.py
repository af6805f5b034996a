"""Tracks that a model was trained on are found in any corpus, by their ids and by their sound."""

import shutil

import pandas as pd
import pytest
import soundfile

from gtzan_lib.data.corpus import Corpus
from gtzan_lib.data.loaders import gtzan
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.errors import GtzanWarning
from gtzan_lib.inference import training_tracks as module
from gtzan_lib.inference.training_tracks import find_training_tracks
from gtzan_lib.inference.zoo import load_model


@pytest.fixture
def card():
    """A model of GTZAN, trained on two tracks and selected on a third."""
    return {
        "corpus": "gtzan", "protocol": "artist",
        "trained_on": ["blues.00000", "rock.00001"], "selected_on": ["rock.00000"],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["gtzan", "mine", "fma", "paper"])
def test_ids_count_whatever_the_corpus_is_called(card, paper_corpus, name):
    tracks = paper_corpus([("blues", "A", 30.0)] * 3 + [("rock", "B", 30.0)] * 3).tracks
    found = find_training_tracks(card, Corpus(name, "/nowhere", tracks))
    assert found == ["blues.00000", "rock.00000", "rock.00001"]


def test_composed_tracks_are_other_music(card, paper_corpus):
    """They have GTZAN's ids."""
    corpus = paper_corpus([("blues", "A", 30.0)] * 3)
    composed = Corpus("synthetic", corpus.root, corpus.tracks)
    assert find_training_tracks(card, composed) == []
    assert find_training_tracks({**card, "corpus": "synthetic"}, corpus) == []
    assert find_training_tracks({**card, "corpus": "synthetic"}, composed) == ["blues.00000"]


def test_what_the_published_split_drops_is_known_of_gtzan(card, paper_corpus):
    """Even if a table of the user has other partitions."""
    facts = gtzan.facts()
    dropped = facts.index[facts["partition"] == "dropped"]
    tracks = pd.DataFrame(index=dropped).assign(
        genre="x", path="", artist=None, partition="test", duration_s=30.0, sample_rate=22_050
    )
    corpus = Corpus("gtzan", "/nowhere", tracks)
    assert find_training_tracks(card, corpus) == []
    official = {**card, "protocol": "official"}
    assert find_training_tracks(official, corpus) == dropped.tolist()


def test_copies_in_the_corpus_are_found(card, music_folder):
    folder = music_folder(layout=".", tracks=4)
    shutil.copy(folder / "blues" / "blues.00000.wav", folder / "blues" / "blues.00000 (1).wav")
    y, rate = soundfile.read(folder / "rock" / "rock.00001.wav", dtype="int16")
    soundfile.write(folder / "rock" / "my song.flac", y, rate)
    soundfile.write(folder / "rock" / "other.flac", y[::-1], rate)
    with pytest.warns(GtzanWarning, match="3 of 11 tracks are not GTZAN's"):
        corpus = open_corpus(folder)
    expected = [
        "blues.blues.00000 (1)", "blues.00000", "rock.my song", "rock.00000", "rock.00001",
    ]  # fmt: skip
    assert find_training_tracks(card, corpus) == expected
    # A model of other music is compared by the bytes of files alone.
    expected.remove("rock.my song")
    assert find_training_tracks({**card, "corpus": "mine"}, corpus) == expected


@pytest.mark.parametrize("ending", [".wav", ".flac", ".aiff"])
def test_sound_of_gtzan_is_found_under_other_names(card, music_folder, monkeypatch, ending):
    """By the SHA-256 of its samples, in any lossless format."""
    made = music_folder(layout=".", tracks=2, name="{genre}.{number:05d}")
    facts = gtzan.facts()
    for track_id in ("blues.00000", "rock.00001"):
        file = made / track_id.split(".")[0] / f"{track_id}.wav"
        facts.loc[track_id, "wav_bytes"] = file.stat().st_size
        facts.loc[track_id, "wav_sha256"] = module.inspector(open_corpus(made).work)(
            str(file)
        ).facts["sha256"]
    monkeypatch.setattr(gtzan, "facts", lambda: facts)
    mine = made.with_name("mine")
    for number, file in enumerate(sorted(made.glob("*/*.wav"))):
        target = mine / "songs of mine" / f"song {number}{ending}"
        target.parent.mkdir(parents=True, exist_ok=True)
        y, rate = soundfile.read(file, dtype="int16")
        soundfile.write(target, y, rate, subtype="PCM_16")
    corpus = open_corpus(mine)
    assert corpus.name == "mine"
    assert find_training_tracks(card, corpus) == [
        "songs of mine.song 0", "songs of mine.song 3",
    ]  # fmt: skip
    # Sound of other lengths is not even decoded.
    facts["wav_bytes"] += 2
    monkeypatch.setattr(
        module, "inspector", lambda work: lambda path: pytest.fail(f"{path} was decoded")
    )
    assert find_training_tracks(card, corpus) == []


def test_the_shipped_model_knows_its_recordings(gtzan_root, tmp_path):
    """Real clips under names of one's own."""
    if not (gtzan_root / "mini").is_dir():
        pytest.skip(f"{gtzan_root} holds no mini/")
    model = load_model("gtzan-scratch")
    trained_on = {*model.card["trained_on"], *model.card["selected_on"]}
    files = sorted((gtzan_root / "mini").glob("*/*.flac"))
    seen = [file for file in files if file.stem in trained_on][:2]
    facts = gtzan.facts()
    tests = [file for file in files if facts["partition"].get(file.stem) == "test"][:1]
    if not (seen and tests):
        pytest.skip(f"{gtzan_root}/mini lacks clips of one of the parts")
    for number, file in enumerate([*seen, *tests]):
        (tmp_path / "m" / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, tmp_path / "m" / file.parent.name / f"song {number}.flac")
    unseen = model.unseen(open_corpus(tmp_path / "m"))
    assert [name.split(".")[1] for name in unseen.tracks.index] == [f"song {len(seen)}"]
