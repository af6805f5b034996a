"""Arguments of another kind than the function takes: one sentence, whatever the kind."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import gtzan_lib as gl
from gtzan_lib.data.arguments import waveform
from gtzan_lib.errors import ArrayError, AudioError, CorpusError, GtzanError
from gtzan_lib.signal import fast_features

SAMPLES = np.random.default_rng(0).uniform(-0.1, 0.1, 2 * 22_050).astype(np.float32)


@given(
    shape=st.one_of(arrays.array_shapes(max_dims=4, max_side=6), st.just((2, 3000))),
    kind=st.sampled_from("fiuOUSc?M"),
    channels=st.booleans(),
)
def test_only_real_numbers_with_time_first_are_sound(shape, kind, channels):
    dtype = {"O": object, "U": "U3", "S": "S3", "M": "M8[s]", "?": bool}.get(kind, f"{kind}8")
    samples = np.zeros(shape, dtype=dtype)
    right = kind in "fiu" and (len(shape) == 1 or (channels and len(shape) == 2))
    if right and shape != (2, 3000):
        assert waveform(samples, channels=channels) is samples
    else:
        with pytest.raises(AudioError):
            waveform(samples, channels=channels)


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (
            np.stack([SAMPLES, SAMPLES]),
            r"shape \(2, 44100\), channels first; give time first, y\.T",
        ),
        (pd.DataFrame({"left": SAMPLES}), r"is a DataFrame; give an array, its to_numpy\(\)"),
        (pd.Series(SAMPLES), r"is a Series; give an array, its to_numpy\(\)"),
        ((SAMPLES, 22_050), "is no array of samples"),
        (SAMPLES[None, None], "cannot have 3 axes"),
        (None, "holds object and no real numbers"),
        ({"y": SAMPLES}, "holds object and no real numbers"),
    ],
)
def test_samples_that_functions_refuse(samples, sentence):
    with pytest.raises(AudioError, match=sentence):
        gl.predict(samples, sample_rate=22_050)
    recipe = gl.Recipe.preset("mel-3s", size=32)
    for function in (
        fast_features.compute_features,
        lambda y: gl.signal.spectrograms(y, recipe, np.array([0.0])),
        lambda y: gl.signal.denoise(y, 22_050, noise=SAMPLES),
        lambda y: gl.signal.mix_at_snr(y, SAMPLES, 0),
        lambda y: gl.signal.si_sdr(y, SAMPLES),
        *(lambda y, d=degrade: d(y, 22_050) for degrade in gl.signal.DEGRADATIONS.values()),
    ):
        with pytest.raises(AudioError):
            function(samples)


def test_lists_of_samples_are_sound():
    np.testing.assert_allclose(
        gl.predict(SAMPLES.tolist(), sample_rate=22_050).windows,
        gl.predict(SAMPLES, sample_rate=22_050).windows,
        atol=1e-5,
    )


def test_tables_and_stores_in_place_of_arrays(small_folder, tmp_path):
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    corpus = gl.open_corpus(small_folder)
    store = gl.SpectrogramStore.build(
        corpus, gl.Recipe.preset("mel-3s", size=16, seconds=1), path=tmp_path / "store"
    )
    split = gl.split(store.windows, corpus, protocol="track", folds=3)
    flat = store.images.reshape(len(store), -1)
    for X, sentence in (
        (pd.DataFrame(flat), r"X is a DataFrame; give an array, its to_numpy\(\)"),
        (flat.tolist(), "X is a list; give an array"),
        (store, "X is a SpectrogramStore; give an array, its images"),
    ):
        with pytest.raises(ArrayError, match=sentence):
            gl.evaluate(LinearDiscriminantAnalysis(), X, store.windows, split)
        with pytest.raises(GtzanError, match="images is a" if X is not flat else "X"):
            gl.NetClassifier("minivgg").fit(X, store.windows["genre"])
    with pytest.raises(GtzanError, match=r"windows\['genre'\]"):
        gl.NetClassifier("minivgg").fit(store.images, store.windows)
    for windows in (flat, store, corpus, store.windows[["genre"]]):
        with pytest.raises(ArrayError, match="without the columns window_id, track_id, genre"):
            gl.split(windows, corpus)
    for other in (str(small_folder), Path(small_folder), corpus.tracks):
        with pytest.raises(CorpusError, match=r"open one first, with gl\.open_corpus"):
            gl.features(other)
        with pytest.raises(CorpusError, match=r"open one first, with gl\.open_corpus"):
            gl.SpectrogramStore.build(other, gl.Recipe.preset("mel-3s"))
        with pytest.raises(CorpusError, match=r"open one first, with gl\.open_corpus"):
            gl.split(store.windows, other)
