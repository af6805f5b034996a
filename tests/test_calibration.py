"""How hard the synthetic corpus is: easy where recordings leak, not where artists are new.

Three corpora are composed, which takes minutes, and can come out otherwise only
after a change of composing, features or splits: `make calibration` runs this, and so
does every run of CI, but not `make test`.
"""

import pytest

import gtzan_lib as gl
from gtzan_lib.data.splits import split
from gtzan_lib.errors import GtzanWarning
from gtzan_lib.evaluation.comparison import difference
from gtzan_lib.evaluation.evaluate import evaluate
from gtzan_lib.studies.grid import pipeline
from gtzan_lib.synthetic import compose


@pytest.mark.calibration
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_synthetic_corpus_is_as_hard_as_it_should_be(seed, tmp_path):
    corpus = gl.open_corpus(compose(tmp_path / "corpus", seed=seed, jobs=1))
    table = gl.features(corpus)
    assert table.values.shape == (1000, 57)
    with pytest.warns(GtzanWarning, match="window protocol"):
        leaking = split(table.windows, corpus, protocol="window", folds=5)
    honest = split(table.windows, corpus, protocol="artist", folds=5)
    neighbours = pipeline("none", "k-NN")
    leak, fair = (
        evaluate(neighbours, table.values, table.windows, one) for one in (leaking, honest)
    )
    assert len(leak.tracks) == len(fair.tracks) == 100
    assert 0.90 <= leak.accuracy().value <= 0.99
    assert 0.55 <= fair.accuracy().value <= 0.80
    assert difference(leak, fair).low > 0.05
    tempo = table.frame[["tempo"]].to_numpy()
    for one in (leaking, honest):
        assert evaluate(neighbours, tempo, table.windows, one).accuracy().value < 0.35
