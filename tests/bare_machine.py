"""A machine that has little more than PyTorch: `python -m tests.bare_machine FOLDER` trains there.

Everything is hidden that pip would not install with `INSTALLED`, be it asked for by
this package or by another. `tests/test_floors.py` runs this in a fresh interpreter.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = "gtzan_lib"
ROOT = Path(__file__).parents[1]

INSTALLED = ("torch", "numpy", "pandas", "scikit-learn", "skorch", "lazy-loader")
MISSING = ("librosa", "matplotlib", "pydantic", "rich", "safetensors", "soundfile", "torchvision")

# Rooms whose modules are all imported, and single modules that a training script needs.
ROOMS = ("models", "training")
MODULES = ("evaluation.records", "inference.zoo")


class BareFinder(PathFinder):
    """Finds modules as if some were not installed."""

    hidden: ClassVar[set[str]] = set()

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname.partition(".")[0] in cls.hidden:
            return None
        return super().find_spec(fullname, path, target)


def installed_with(packages: tuple[str, ...]) -> set[str]:
    """Return the names of some packages and of all that pip installs with them."""
    names: set[str] = set()
    queue = list(packages)
    while queue:
        name = canonicalize_name(queue.pop())
        if name in names:
            continue
        try:
            requirements = map(Requirement, requires(name) or [])
        except PackageNotFoundError:
            continue
        names.add(name)
        queue += [r.name for r in requirements if r.marker is None or r.marker.evaluate()]
    return names


def hide_all_but(packages: tuple[str, ...]) -> None:
    """Hide the modules of all installed packages but some, what these need, and this one."""
    names = installed_with(packages) | {canonicalize_name(PACKAGE)}
    modules = packages_distributions().items()
    BareFinder.hidden = {
        module for module, owners in modules if not names & set(map(canonicalize_name, owners))
    }
    sys.meta_path[sys.meta_path.index(PathFinder)] = BareFinder


def import_all() -> None:
    """Import every module that a bare machine must be able to import."""
    for room in ROOMS:
        for module in pkgutil.iter_modules([str(ROOT / PACKAGE / room)]):
            importlib.import_module(f"{PACKAGE}.{room}.{module.name}")
    for name in MODULES:
        importlib.import_module(f"{PACKAGE}.{name}")


def train(folder: Path) -> None:
    """Train a net for two epochs on a file of log-mel images, and score it."""
    import numpy as np

    import gtzan_lib as gl

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(30, 128, 387), dtype=np.uint8)
    names = [f"{genre}.{number:05d}" for genre in ("blues", "jazz", "rock") for number in range(10)]
    np.savez(folder / "log_mels.npz", X=images, names=names)
    corpus = gl.open_corpus(folder / "log_mels.npz", work=gl.Workspace(root=folder))
    store = gl.SpectrogramStore.build(corpus, gl.Recipe.preset("mel-gtzan-store", size=32))
    split = gl.split(store.windows, corpus, protocol="track")
    net = gl.NetClassifier(
        "minivgg",
        arguments={"channels": [2], "hidden": 4},
        epochs=2,
        batch_size=6,
        schedule="cosine",
        patience=2,
        augment={"time_mask": 0.2, "mixup": 0.3},
        balance=True,
    )
    score = gl.evaluate(net, store.images, store.windows, split)
    assert len(score.estimators[0].history_) == 2
    assert score.accuracy().n == 6


def refused(architecture: str, **settings: str) -> str:
    """Return the sentence with which a training is refused."""
    import numpy as np

    from gtzan_lib import NetClassifier
    from gtzan_lib.errors import ModelError

    net = NetClassifier(architecture, batch_size=2, **settings)
    try:
        net.fit(np.zeros((4, 32, 32), dtype=np.uint8), np.array(["blues", "rock"] * 2))
    except ModelError as error:
        return str(error)
    raise AssertionError(f"{architecture} was trained")


def main(folder: Path) -> None:
    """Import, train, and print why what needs more packages is refused."""
    hide_all_but(INSTALLED)
    assert not any(map(find_spec, MISSING))
    # Logged in, where a progress bar would be shown.
    sys.stderr.isatty = lambda: True
    import_all()
    train(folder)
    print(refused("resnet34"))
    print(refused("minivgg", checkpoint=str(folder)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
