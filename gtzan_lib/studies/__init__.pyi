from .aggregation import compare_aggregations
from .claims import claims_scope, examine_claims
from .clustering import agreement, cluster, representative_tracks, scan_k, stability
from .grid import GridResult, compare_families, estimators, grid, mean_leak, pipeline
from .heads import HeadEvaluation, compare_representations, evaluate_head
from .importance import feature_groups, permutation_importance
from .representations import LayerTable, musicnn_layers, tag_profile
from .reshuffle import ReshuffleResult, reshuffle
from .unfamiliar import detect_unfamiliar, unfamiliar_sounds
from .variance import genre_share_interval, variance_shares

__all__ = [
    "GridResult",
    "HeadEvaluation",
    "LayerTable",
    "ReshuffleResult",
    "agreement",
    "claims_scope",
    "cluster",
    "compare_aggregations",
    "compare_families",
    "compare_representations",
    "detect_unfamiliar",
    "estimators",
    "evaluate_head",
    "examine_claims",
    "feature_groups",
    "genre_share_interval",
    "grid",
    "mean_leak",
    "musicnn_layers",
    "permutation_importance",
    "pipeline",
    "representative_tracks",
    "reshuffle",
    "scan_k",
    "stability",
    "tag_profile",
    "unfamiliar_sounds",
    "variance_shares",
]
