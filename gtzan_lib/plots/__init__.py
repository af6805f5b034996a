"""Every figure of the book, and the players beside them.

Functions draw into `ax`, or into a new figure where none is given, and return
what they drew into.
"""

from .answers import following, saliency_maps, timeline
from .basics import genre_colors
from .clouds import cloud
from .clusters import agreements, cluster_genres, cluster_profile, elbow
from .comparisons import calibration, confusions, learning_curve, standing, tradeoff
from .components import loadings, plane, scree
from .features import distributions, levels_of_variance, portrait, profile
from .grids import grid_leaks, grid_losses, grid_scores
from .health import copies, faults, levels
from .images import recipe_wall, spectrogram, spectrogram_wall, track_images
from .leaks import leak_by, leaks, reshuffled
from .scores import confusion, history, parts, recall
from .sounds import halves, players, take_players
from .trials import gains, noise_levels, robustness

__all__ = [
    "agreements",
    "calibration",
    "cloud",
    "cluster_genres",
    "cluster_profile",
    "confusion",
    "confusions",
    "copies",
    "distributions",
    "elbow",
    "faults",
    "following",
    "gains",
    "genre_colors",
    "grid_leaks",
    "grid_losses",
    "grid_scores",
    "halves",
    "history",
    "leak_by",
    "leaks",
    "learning_curve",
    "levels",
    "levels_of_variance",
    "loadings",
    "noise_levels",
    "parts",
    "plane",
    "players",
    "portrait",
    "profile",
    "recall",
    "recipe_wall",
    "reshuffled",
    "robustness",
    "saliency_maps",
    "scree",
    "spectrogram",
    "spectrogram_wall",
    "standing",
    "take_players",
    "timeline",
    "track_images",
    "tradeoff",
]
