from .augmentation import Augmentation
from .classifier import NetClassifier
from .inputs import by_track, with_features

__all__ = [
    "Augmentation",
    "NetClassifier",
    "by_track",
    "with_features",
]
