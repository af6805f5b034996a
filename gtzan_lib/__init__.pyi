# The names that a notebook needs daily, and the rooms that hold the rest. This is the
# only list: lazy_loader serves names from it, type checkers read it, and the runner
# derives from it which modules a notebook depends on.
from . import (
    data,
    errors,
    evaluation,
    health,
    inference,
    live,
    models,
    plots,
    signal,
    stats,
    studies,
    synthetic,
    training,
)
from .data.opening import open_corpus
from .data.splits import split
from .data.windows import WindowGrid
from .data.workspace import Workspace
from .evaluation.evaluate import evaluate
from .evaluation.records import ExperimentRecord, leaderboard
from .evaluation.summary import headline, summary
from .genres import GENRES
from .health.check import check_health
from .health.prepare import prepare_corpus
from .inference.zoo import load_model, predict, save_model
from .parameters.notebook import check_parameters
from .signal.features import features
from .signal.recipes import Recipe
from .signal.store import SpectrogramStore
from .training.classifier import NetClassifier
from .training.inputs import by_track, with_features

__all__ = [
    "GENRES",
    "ExperimentRecord",
    "NetClassifier",
    "Recipe",
    "SpectrogramStore",
    "WindowGrid",
    "Workspace",
    "by_track",
    "check_health",
    "check_parameters",
    "data",
    "errors",
    "evaluate",
    "evaluation",
    "features",
    "headline",
    "health",
    "inference",
    "leaderboard",
    "live",
    "load_model",
    "models",
    "open_corpus",
    "plots",
    "predict",
    "prepare_corpus",
    "save_model",
    "signal",
    "split",
    "stats",
    "studies",
    "summary",
    "synthetic",
    "training",
    "with_features",
]
