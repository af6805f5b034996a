"""Nets with their seeds, read from published results and compared."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from gtzan_lib.errors import RecordError
from gtzan_lib.genres import GENRES
from gtzan_lib.published.nets import compare_nets, genre_scores, net_table, read_nets
from gtzan_lib.published.results import Results

from .measures.made_up_nets import train, train_all, write_log_mels


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return train_all(tmp_path_factory.mktemp("nets"))


@pytest.fixture(scope="module")
def nets(results):
    return read_nets(results)


def test_seeds_are_put_together(nets):
    assert {title: list(net.records) for title, net in nets.items()} == {
        "MiniVGG": [0, 1],
        "TrackNet": [0],
        "shuffled TrackNet": [0, 1],
    }
    accuracies = [net.summary.score.value for net in nets.values()]
    assert accuracies == sorted(accuracies, reverse=True)
    net = nets["MiniVGG"]
    assert net.history.groupby("seed")["epoch"].apply(list).to_dict() == {0: [1, 2], 1: [1, 2]}
    assert net.correct.shape == (9, 2)
    assert net.material == {"log-mels": 27}
    for seed, record in net.records.items():
        assert net.correct[seed].mean() == pytest.approx(record.result["track"]["value"])
    assert "MiniVGG" in repr(net)


def test_descriptions_name_the_control(nets):
    assert nets["MiniVGG"].description.startswith("MiniVGG is a stack")
    assert "windows of each track in a random order" in nets["shuffled TrackNet"].description
    net = nets["MiniVGG"]
    changed = {**net.settings, "shuffled": True, "training": {"augment": {"time_mask": 0.1}}}
    text = dataclasses.replace(net, settings=changed).description
    assert "(augmentation)" in text
    assert "columns of each window in a random order" in text


def test_diagrams_are_of_the_same_nets(nets):
    state = torch.random.get_rng_state()
    for net in nets.values():
        untrained, X = net.untrained()
        assert untrained.predict_proba(X).shape == (1, len(GENRES))
        if net.title == "TrackNet":
            assert X.shape == (1, 3, 16, 12)
            # Trained on three genres: each output is a row of weights and a bias.
            rest = net.first.result["weights"] - 3 * (2 * 64 + 1)
            assert untrained.parameters_ == rest + len(GENRES) * (2 * 64 + 1)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_table_of_accuracy_and_cost(nets):
    table = net_table(nets)
    assert table.index.tolist() == list(nets)
    row = table.loc["TrackNet"]
    assert (row["seeds"], row["examples"], row["epochs"]) == (1, 12, 2)
    assert np.isnan(row["sd"])
    assert table.loc["MiniVGG", "examples"] == 36
    assert table.loc["MiniVGG", "minutes"] > 0
    assert ((table["low"] <= table["accuracy"]) & (table["accuracy"] <= table["high"])).all()


def test_scores_by_genre_are_means_over_seeds(nets):
    table = genre_scores(nets).set_index(["net", "genre"])
    net = nets["MiniVGG"]
    for genre, row in table.loc["MiniVGG"].iterrows():
        recalls = [
            (one.loc[one["genre"] == genre, "predicted"] == genre).mean()
            for one in net.predictions.values()
        ]
        assert row["recall"] == pytest.approx(np.mean(recalls), abs=1e-5)
        assert row["n"] == 3


def test_pairs_are_tested_by_their_means_over_seeds(nets):
    tests = compare_nets(nets)
    assert len(tests) == 3
    for row in tests.itertuples():
        first, second = (nets[name].correct.mean(axis=1) for name in (row.first, row.second))
        assert row.difference == pytest.approx((first - second).mean())
        assert row.low <= row.difference <= row.high
        assert row.p_value <= row.p_holm <= 1
        one_seed = "TrackNet" in (row.first, row.second)
        assert np.isnan(row.seed_error) == one_seed
    alone = compare_nets({"MiniVGG": nets["MiniVGG"]})
    assert alone.empty
    assert "p_holm" in alone


def altered(net, correct):
    """Return a net with these predictions, one column a seed."""
    first = net.predictions[0]
    tables = {}
    for seed, column in correct.items():
        predicted = first["genre"].where(column, "none")
        tables[seed] = first.assign(predicted=predicted, artist="")
    return dataclasses.replace(net, predictions=tables, records={s: net.first for s in tables})


def test_p_values_count_signs_of_differences(nets):
    net = nets["MiniVGG"]
    index = net.correct.index
    always = altered(net, pd.DataFrame({0: True, 1: True, 2: True}, index))
    never = altered(net, pd.DataFrame({0: False, 1: False}, index))
    (row,) = compare_nets({"always": always, "never": never}).itertuples()
    assert row.difference == 1
    # All nine tracks have the same sign in two of 512 draws.
    assert row.p_value == pytest.approx(2 / 512, abs=0.002)
    assert row.seed_error == 0
    half = altered(net, pd.DataFrame({0: True, 1: False}, index))
    (row,) = compare_nets({"half": half, "always": always}).itertuples()
    assert row.difference == -0.5
    assert row.seed_error == pytest.approx(0.5)
    assert row.p_value == pytest.approx(2 / 512, abs=0.002)


def test_no_net(tmp_path):
    with pytest.raises(RecordError, match="holds no net whose step begins with 'net-'; train one"):
        read_nets(Results(tmp_path))


def test_a_page_reads_the_steps_with_its_prefix(results, nets, tmp_path):
    shutil.copytree(results.folder, tmp_path / "results")
    material = write_log_mels(tmp_path / "gtzan")
    train(material, tmp_path / "results", **{"share-50": {"title": "half", "share": 0.5}})
    assert set(read_nets(Results(tmp_path / "results"))) == set(nets)
    (half,) = read_nets(Results(tmp_path / "results"), "share-").values()
    assert half.title == "half"


def test_two_nets_with_one_title_are_refused(results, tmp_path):
    shutil.copytree(results.folder, tmp_path / "results")
    material = write_log_mels(tmp_path / "gtzan")
    train(material, tmp_path / "results", **{"net-other": {"seed": 5, "epochs": 1}})
    with pytest.raises(RecordError, match="net-other are all 'MiniVGG', and have other settings"):
        read_nets(Results(tmp_path / "results"))


def test_nets_on_other_tracks_are_refused(results, tmp_path):
    shutil.copytree(results.folder, tmp_path / "results")
    material = write_log_mels(tmp_path / "gtzan", valid=2)
    train(material, tmp_path / "results", **{"net-other": {"title": "Other"}})
    with pytest.raises(RecordError, match="scored other tracks"):
        read_nets(Results(tmp_path / "results"))
