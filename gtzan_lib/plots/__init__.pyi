from .audio import harmonic_percussive_players, players, recording_players
from .clusters import cluster_agreement, cluster_genres, cluster_profile, elbow, genre_dendrogram
from .evaluation import (
    accuracy_by_cost,
    aggregations,
    calibration,
    confusion_matrices,
    confusion_matrix,
    leaderboard,
    learning_curve,
    recall,
    representations,
    split_counts,
    training_history,
)
from .features import (
    distributions,
    feature_correlations,
    genre_profile,
    tag_profile,
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
from .spectrograms import recipe_gallery, spectrogram, spectrogram_gallery, track_spectrograms
from .style import genre_colors

__all__ = [
    "accuracy_by_cost",
    "accuracy_by_snr",
    "aggregations",
    "calibration",
    "cluster_agreement",
    "cluster_genres",
    "cluster_profile",
    "confusion_matrices",
    "confusion_matrix",
    "denoising_gains",
    "distributions",
    "duplicates",
    "elbow",
    "faults",
    "feature_correlations",
    "genre_colors",
    "genre_dendrogram",
    "genre_profile",
    "grid_leaks",
    "grid_losses",
    "grid_scores",
    "harmonic_percussive_players",
    "interactive_scatter",
    "leaderboard",
    "leak_by",
    "leakage",
    "learning_curve",
    "levels",
    "loadings",
    "players",
    "recall",
    "recipe_gallery",
    "recording_players",
    "representations",
    "reshuffle",
    "robustness",
    "saliency_maps",
    "scatter",
    "scree",
    "spectrogram",
    "spectrogram_gallery",
    "split_counts",
    "stream_timeline",
    "tag_profile",
    "timeline",
    "track_features",
    "track_spectrograms",
    "training_history",
    "variance_components",
]
