"""Every figure of the book, and the players beside them.

Functions draw into `ax`, or into a new figure where none is given, and return
what they drew into.
"""

from .audio import harmonic_percussive_players, players, recording_players
from .clusters import (
    cluster_agreement,
    cluster_genres,
    cluster_profile,
    elbow,
)
from .evaluation import (
    accuracy_by_cost,
    calibration,
    confusion_matrices,
    confusion_matrix,
    leaderboard,
    learning_curve,
    recall,
    split_counts,
    training_history,
)
from .features import (
    distributions,
    genre_profile,
    track_features,
    variance_components,
)
from .grid import grid_leaks, grid_losses, grid_scores
from .health import duplicates, faults, levels
from .inference import (
    accuracy_by_snr,
    denoising_gains,
    robustness,
    saliency_maps,
    stream_timeline,
    timeline,
)
from .interactive import interactive_scatter
from .leakage import leak_by, leakage, reshuffle
from .pca import loadings, scatter, scree
from .spectrograms import (
    recipe_gallery,
    spectrogram,
    spectrogram_gallery,
    track_spectrograms,
)
from .style import genre_colors

__all__ = [
    "cluster_agreement",
    "calibration",
    "interactive_scatter",
    "cluster_genres",
    "cluster_profile",
    "confusion_matrix",
    "confusion_matrices",
    "duplicates",
    "distributions",
    "elbow",
    "faults",
    "stream_timeline",
    "denoising_gains",
    "genre_colors",
    "grid_leaks",
    "grid_losses",
    "grid_scores",
    "harmonic_percussive_players",
    "training_history",
    "leak_by",
    "leakage",
    "learning_curve",
    "levels",
    "variance_components",
    "loadings",
    "accuracy_by_snr",
    "split_counts",
    "scatter",
    "players",
    "track_features",
    "genre_profile",
    "recall",
    "recipe_gallery",
    "reshuffle",
    "robustness",
    "saliency_maps",
    "scree",
    "spectrogram",
    "spectrogram_gallery",
    "leaderboard",
    "recording_players",
    "timeline",
    "track_spectrograms",
    "accuracy_by_cost",
]
