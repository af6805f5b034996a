"""The models as scripts for a browser: the committed ones are those of the package."""

import base64
import hashlib
import json

import numpy as np
import pytest
import torch

from gtzan_lib.inference.zoo import SHIPPED, load_model
from gtzan_lib.runner.browser_models import export_models

from .conftest import ROOT

NAMES = sorted(card.parent.name for card in SHIPPED.glob("*/model.json"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scripts")
    scripts = export_models(folder)
    assert scripts == [folder / f"{name}.js" for name in NAMES]
    return folder


@pytest.fixture(scope="module", params=NAMES)
def exported(request, folder):
    """A model, and what its script sets."""
    script = (folder / f"{request.param}.js").read_text(encoding="utf-8")
    start = f'(globalThis.gtzanModels ??= {{}})["{request.param}"] = '
    value = json.loads(script.split(start)[1].removesuffix(";\n"))
    return load_model(request.param), value


def tensor(value, name):
    entry = value["tensors"][name]
    data = base64.b64decode(value["data"])
    values = np.frombuffer(
        data, np.dtype(entry["type"]), int(np.prod(entry["shape"])), entry["offset"]
    )
    return values.reshape(entry["shape"]).astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_the_scripts_of_the_book_are_those_of_the_package(folder, name):
    committed = ROOT / "book" / "_static" / "try" / f"{name}.js"
    assert committed.read_bytes() == (folder / committed.name).read_bytes(), (
        "run: python -m gtzan_lib.runner.browser_models book/_static/try"
    )


def test_the_digest_is_that_of_the_bytes(exported):
    _, value = exported
    data = base64.b64decode(value["data"])
    assert hashlib.sha256(data).hexdigest() == value["sha256"]
    sizes = {"float16": 2, "float32": 4}
    total = sum(sizes[t["type"]] * int(np.prod(t["shape"])) for t in value["tensors"].values())
    assert total == len(data)
    assert all(t["offset"] % sizes[t["type"]] == 0 for t in value["tensors"].values())


def test_no_weight_is_rounded(exported):
    model, value = exported
    for name, weights in model.net.state_dict().items():
        np.testing.assert_array_equal(tensor(value, name), weights.numpy())
    for name in ("mean", "whitening", "references"):
        own = getattr(model.familiarity, name).numpy()
        np.testing.assert_array_equal(tensor(value, f"familiarity.{name}"), own)


def test_batch_normalisation_is_a_factor_and_a_summand():
    net = load_model("gtzan-musicnn").tagger
    script = (ROOT / "book" / "_static" / "try" / "gtzan-musicnn.js").read_text(encoding="utf-8")
    value = json.loads(script.split("] = ")[1].removesuffix(";\n"))
    x = torch.linspace(0, 3, 64).repeat(2, 1)
    expected = net.middle[1].norm(x[:, :, None])[:, :, 0].numpy()
    scale, shift = (tensor(value, f"middle.1.norm.{part}") for part in ("scale", "shift"))
    np.testing.assert_allclose(x.numpy() * scale + shift, expected, rtol=1e-5, atol=1e-5)
    assert script.startswith("/*!\nThe weights of MusiCNN:\n\nCopyright")


def test_the_page_tells_what_the_card_tells(exported):
    model, value = exported
    info, settings = value["info"], value["settings"]
    assert info["genres"] == list(model.genres)
    assert (info["windowS"], info["stepS"]) == (model.grid.seconds, model.grid.step)
    assert (settings["before"], settings["after"]) == model.context
    clips, windows = info["expected"]
    assert [clips["n"], windows["n"]] == [290, 2900]
    for score in info["expected"]:
        card = next(s for s in model.card["accuracy"] if s["input_s"] == score["inputS"])
        assert {name: score[name] for name in ("value", "low", "high", "n", "interval")} == {
            name: card[name] for name in ("value", "low", "high", "n", "interval")
        }
        assert score["part"] == "test part"
    limits = [model.distance_limit(n + 1) for n in range(len(info["distanceLimits"]))]
    assert info["distanceLimits"] == limits
