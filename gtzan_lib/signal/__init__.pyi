from .degradations import DEGRADATIONS, mix_at_snr, noise
from .denoise import denoise, si_sdr
from .features import FeatureTable, features
from .logmel_statistics import logmel_statistics
from .recipes import Recipe
from .spectrograms import spectrograms, write_log_mels
from .store import SpectrogramStore

__all__ = [
    "DEGRADATIONS",
    "FeatureTable",
    "Recipe",
    "SpectrogramStore",
    "denoise",
    "features",
    "logmel_statistics",
    "mix_at_snr",
    "noise",
    "si_sdr",
    "spectrograms",
    "write_log_mels",
]
