from .ensemble_model import EnsembleModel
from .image_model import ImageModel
from .model import Model
from .prediction import Prediction
from .robustness import RobustnessTest, crop_middle, robustness_test
from .saliency import deletion_test, saliency
from .scored_tracks import tracks_to_score
from .transfer import train_model
from .zoo import load_model, models, predict, save_model

__all__ = [
    "EnsembleModel",
    "ImageModel",
    "Model",
    "Prediction",
    "RobustnessTest",
    "crop_middle",
    "deletion_test",
    "load_model",
    "models",
    "predict",
    "robustness_test",
    "saliency",
    "save_model",
    "tracks_to_score",
    "train_model",
]
