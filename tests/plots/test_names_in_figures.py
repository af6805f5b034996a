"""Names of genres, tracks and models are drawn as they are, whatever signs are in them."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from sklearn.neighbors import KNeighborsClassifier

from gtzan_lib import plots
from gtzan_lib.data.opening import open_corpus
from gtzan_lib.data.splits import split
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.health.check import check_health
from gtzan_lib.inference.prediction import Prediction
from gtzan_lib.signal.features import features
from gtzan_lib.signal.recipes import Recipe
from gtzan_lib.signal.store import SpectrogramStore

# Neither could be set as a formula.
GENRES = ("$a^$ & b", r"c $\foo$ {d}")
SONG = r"song_{number}%_$x^$"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Corpus, features, evaluation, store and report of music with odd names."""
    from tests.conftest import write_music

    root = tmp_path_factory.mktemp("odd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GTZAN_WORK", str(root / "work"))
        names = {"layout": ".", "genres": GENRES, "name": SONG}
        corpus = open_corpus(write_music(root / "m", tracks=3, seconds=3.1, **names))
        table = features(corpus, progress=False)
        divided = split(table.windows, corpus, protocol="track", folds=3)
        evaluation = evaluate(KNeighborsClassifier(1), table.values, table.windows, divided)
        store = SpectrogramStore.build(corpus, Recipe.preset(size=16), path=root / "store")
        yield corpus, table, evaluation, store, check_health(corpus, progress=False)


def leaderboard() -> pd.DataFrame:
    columns = ["accuracy", "low", "high", "window_accuracy", "weights", "seconds"]
    table = pd.DataFrame(0.5, index=pd.Index(GENRES, name="experiment"), columns=columns)
    return table.assign(protocol="track", part="test part")


FIGURES = {
    "track_features": lambda c, t, e, s, r: plots.track_features(c, c.tracks.index[0]),
    "distributions": lambda c, t, e, s, r: plots.distributions(t, ["tempo"]),
    "genre_profile": lambda c, t, e, s, r: plots.genre_profile(t),
    "recall": lambda c, t, e, s, r: plots.recall(e),
    "precision_recall_f1": lambda c, t, e, s, r: plots.precision_recall_f1(e),
    "roc_curves": lambda c, t, e, s, r: plots.roc_curves(e),
    "confusion_matrix": lambda c, t, e, s, r: plots.confusion_matrix(e),
    "confusion_matrices": lambda c, t, e, s, r: plots.confusion_matrices(
        {GENRES[0]: pd.DataFrame({"genre": GENRES, "predicted": GENRES})}
    ),
    "leaderboard": lambda c, t, e, s, r: plots.leaderboard(leaderboard()),
    "accuracy_by_cost": lambda c, t, e, s, r: plots.accuracy_by_cost(
        leaderboard(), "weights", "weights"
    ),
    "cluster_genres": lambda c, t, e, s, r: plots.cluster_genres(
        np.arange(len(t)) % 2, t.windows["genre"].to_numpy()
    ),
    "genre_dendrogram": lambda c, t, e, s, r: plots.genre_dendrogram(t),
    "scatter": lambda c, t, e, s, r: plots.scatter(t.values, t.windows, names=("first", "second")),
    "levels": lambda c, t, e, s, r: plots.levels(r.files),
    "spectrogram_gallery": lambda c, t, e, s, r: plots.spectrogram_gallery(s),
    "track_spectrograms": lambda c, t, e, s, r: plots.track_spectrograms(s, c.tracks.index[0]),
    "timeline": lambda c, t, e, s, r: plots.timeline(
        Prediction(GENRES, np.array([[0.2, 0.8]], dtype=np.float32), np.zeros(1), 3.0)
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_names_are_drawn_as_they_are(drawn, name, tmp_path):
    FIGURES[name](*drawn)
    figure = plt.gcf()
    figure.savefig(tmp_path / "a.png", dpi=50)
    shown = [text.get_text() for text in figure.findobj(Text)]
    # Powers of ten on logarithmic axes are formulas.
    shown = [text for text in shown if r"\mathdefault" not in text]
    assert any("$" in text for text in shown)
    # matplotlib draws an escaped dollar sign as a dollar sign.
    assert not any("$" in text.replace(r"\$", "") for text in shown)
    plt.close("all")


def test_views_have_short_names(drawn, tmp_path):
    """A track's name may be as long as the system allows, its figure's name is longer."""
    *_, store, _ = drawn
    long = "と" * 82
    store = SpectrogramStore.open(store.path)
    store.windows["track_id"] = store.windows["track_id"].str.replace("song_0%", long)
    plots.spectrograms.export_views(store, tmp_path / "views")
    store.export_png(tmp_path / "png")
    assert len(list((tmp_path / "views").iterdir())) == 6
    assert len(list((tmp_path / "png").glob("*/*.png"))) == 6
