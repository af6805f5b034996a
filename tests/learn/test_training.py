"""Nets as estimators: they learn, they repeat themselves, and they disturb nobody."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from gtzan_lib.errors import ModelError
from gtzan_lib.learn.training import NetClassifier

TINY = {"channels": [8, 16], "hidden": 16, "dropout": 0.1}


def tiny(**arguments) -> NetClassifier:
    settings = {"arguments": TINY, "epochs": 3, "learning_rate": 5e-3, "batch_size": 8}
    return NetClassifier(device="cpu", **{**settings, **arguments})


def states(net: NetClassifier) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in net.net_.module_.state_dict().items()}


def same(a: NetClassifier, b: NetClassifier) -> bool:
    one, other = states(a), states(b)
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


@pytest.fixture(scope="module")
def trained(easy):
    torch.set_num_threads(1)
    images, genres = easy
    return tiny().fit(images[:96], genres[:96], valid=(images[96:], genres[96:]))


# --- as an estimator ----------------------------------------------------------


def test_clone_keeps_every_parameter():
    net = NetClassifier(
        "minivgg", arguments=TINY, epochs=7, learning_rate=0.1, weight_decay=0.2, batch_size=5,
        device="cpu", seed=9,
    )  # fmt: skip
    copy = clone(net)
    assert copy is not net
    assert copy.get_params() == net.get_params()
    assert copy.get_params()["seed"] == 9
    assert copy.set_params(epochs=2).epochs == 2


def test_clone_of_a_trained_net_is_untrained(trained):
    with pytest.raises(NotFittedError):
        clone(trained).predict(np.zeros((1, 32, 32), dtype=np.uint8))


def test_training_leaves_the_parameters_alone(easy):
    arguments = dict(TINY)
    net = tiny(arguments=arguments, epochs=1)
    before = net.get_params()
    net.fit(*easy)
    assert net.get_params() == before
    assert arguments == TINY


# --- learning -----------------------------------------------------------------


def test_learns_what_is_easy(trained, easy):
    images, genres = easy
    assert trained.classes_.tolist() == ["blues", "jazz", "rock"]
    assert (trained.predict(images[:96]) == genres[:96]).mean() > 0.9
    assert (trained.predict(images[96:]) == genres[96:]).mean() > 0.9
    assert trained.score(images[96:], genres[96:]) > 0.9


def test_probabilities(trained, easy):
    probabilities = trained.predict_proba(easy[0])
    assert probabilities.shape == (120, 3)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    answers = trained.classes_[probabilities.argmax(axis=1)]
    assert (trained.predict(easy[0]) == answers).all()


def test_predicting_changes_nothing(trained, easy):
    """Neither dropout nor running means move while it only answers."""
    before = states(trained)
    first = trained.predict_proba(easy[0])
    np.testing.assert_array_equal(trained.predict_proba(easy[0]), first)
    assert all(np.array_equal(before[k], v) for k, v in states(trained).items())


def test_weights_are_counted(trained):
    assert trained.arguments_ == {"classes": 3, "size": 32, **TINY}
    by_hand = (9 * 8 + 8 + 16) + (9 * 64 + 8 + 16) + (9 * 128 + 16 + 32) + (9 * 256 + 16 + 32)
    by_hand += (16 * 64 * 16 + 16) + (16 * 3 + 3)
    assert trained.parameters_ == by_hand


# --- the same again -----------------------------------------------------------


def test_same_seed_same_net(trained, easy):
    images, genres = easy
    torch.manual_seed(99)
    np.random.seed(99)
    again = tiny().fit(images[:96], genres[:96], valid=(images[96:], genres[96:]))
    assert same(trained, again)
    assert trained.history_.equals(again.history_)


def test_other_seed_other_net(easy):
    assert not same(tiny(epochs=1).fit(*easy), tiny(epochs=1, seed=1).fit(*easy))


def test_second_fit_starts_afresh(easy):
    net = tiny(epochs=1).fit(*easy)
    before = states(net)
    net.fit(*easy)
    assert all(np.array_equal(before[k], v) for k, v in states(net).items())


def test_global_random_state_is_left_alone(easy):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    tiny(epochs=1).fit(*easy)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_what_is_validated_on_has_no_influence(trained, easy):
    images, genres = easy
    other = tiny().fit(images[:96], genres[:96], valid=(255 - images[96:100], genres[96:100]))
    assert not other.history_["valid_loss"].equals(trained.history_["valid_loss"])
    assert same(other, trained)


def test_validating_at_all_has_no_influence(trained, easy):
    images, genres = easy
    without = tiny().fit(images[:96], genres[:96])
    assert "valid_loss" not in without.history_
    assert same(without, trained)


def test_empty_validation_part_is_none(easy):
    images, genres = easy
    net = tiny(epochs=1).fit(images, genres, valid=(images[:0], genres[:0]))
    assert "valid_loss" not in net.history_


# --- history ------------------------------------------------------------------


def test_history(trained):
    table = trained.history_
    assert table.columns.tolist() == [
        "epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "learning_rate",
    ]  # fmt: skip
    assert table["epoch"].tolist() == [1, 2, 3]
    assert table["train_loss"].iloc[-1] < table["train_loss"].iloc[0]
    assert table["train_accuracy"].between(0, 1).all()
    assert table["valid_accuracy"].iloc[-1] > 0.9


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 5, 7])
def test_learning_rate_falls_to_a_quarter_at_half_way(easy, epochs):
    """Once, and in the middle; for odd numbers the middle is one of two epochs."""
    images, genres = easy
    net = tiny(epochs=epochs, learning_rate=0.004, arguments={"channels": [2], "hidden": 2})
    rates = net.fit(images[:6], genres[:6]).history_["learning_rate"].tolist()
    late = [rate for rate in rates if rate == pytest.approx(0.001)]
    early = [rate for rate in rates if rate == pytest.approx(0.004)]
    assert rates == early + late
    assert abs(len(early) - len(late)) <= 1


# --- refusals -----------------------------------------------------------------


def test_unknown_genre_in_the_validation_part(easy):
    images, genres = easy
    strange = np.where(genres[:6] == "jazz", "polka", genres[:6])
    with pytest.raises(ModelError, match="genre 'polka' is in the validation part but not"):
        tiny().fit(images, genres, valid=(images[:6], strange))


def test_unknown_architecture(easy):
    with pytest.raises(ModelError, match="there is no architecture 'alexnet'"):
        tiny(architecture="alexnet", arguments=None).fit(*easy)


def test_unknown_argument(easy):
    with pytest.raises(ModelError, match="depth"):
        tiny(arguments={"depth": 3}).fit(*easy)


def test_images_too_small(easy):
    with pytest.raises(ModelError, match="too small"):
        tiny(arguments=None).fit(easy[0][:, :16, :16], easy[1])


def test_weights_of_another_net_are_refused(trained):
    with pytest.raises(ModelError, match="do not fit architecture 'minivgg'"):
        tiny().restore(
            ["a", "b"], {"classes": 2, "size": 32, **TINY}, trained.net_.module_.state_dict()
        )
