# The package's public names and the modules that hold them. This is the only
# list: lazy_loader serves names from it, type checkers read it, and the runner
# derives from it which modules a notebook depends on.
from . import errors, plots
from .data.corpus import Corpus, open_corpus
from .data.genres import GENRES
from .data.splits import Split, split
from .data.synthetic import compose
from .data.windows import windows
from .data.workspace import Workspace
from .health.check import HealthReport, check_health
from .learn.evaluation import Evaluation, evaluate
from .learn.inputs import by_track, with_features
from .learn.records import Record, leaderboard
from .learn.saliency import deletion, saliency
from .learn.training import NetClassifier
from .learn.trials import shortened, trial
from .learn.zoo import load_model, predict, save_model
from .live.microphone import record
from .live.rehearsal import from_file, gains, in_a_room, through_a_room
from .live.streaming import listen
from .live.takes import load_take, save_take
from .parameters import check_parameters
from .signal.denoise import denoise
from .signal.disturbances import DISTURBANCES
from .signal.features import FeatureTable, features
from .signal.spectrograms import Recipe
from .signal.store import SpectrogramStore

__all__ = [
    "DISTURBANCES",
    "GENRES",
    "Corpus",
    "Evaluation",
    "FeatureTable",
    "HealthReport",
    "NetClassifier",
    "Recipe",
    "Record",
    "SpectrogramStore",
    "Split",
    "Workspace",
    "by_track",
    "check_health",
    "check_parameters",
    "compose",
    "deletion",
    "denoise",
    "errors",
    "evaluate",
    "features",
    "from_file",
    "gains",
    "in_a_room",
    "leaderboard",
    "listen",
    "load_model",
    "load_take",
    "open_corpus",
    "plots",
    "predict",
    "record",
    "saliency",
    "save_model",
    "save_take",
    "shortened",
    "split",
    "through_a_room",
    "trial",
    "windows",
    "with_features",
]
