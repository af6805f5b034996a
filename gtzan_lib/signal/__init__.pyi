from .degradations import DEGRADATIONS, mix_at_snr, noise
from .denoise import denoise, si_sdr
from .families import FAMILIES, families_of
from .features import FeatureTable, features
from .logmel_statistics import logmel_statistics
from .recipes import Recipe
from .spectrograms import spectrograms, write_log_mels
from .store import SpectrogramStore

__all__ = [
    "DEGRADATIONS",
    "FAMILIES",
    "FeatureTable",
    "Recipe",
    "SpectrogramStore",
    "denoise",
    "families_of",
    "features",
    "logmel_statistics",
    "mix_at_snr",
    "noise",
    "si_sdr",
    "spectrograms",
    "write_log_mels",
]
