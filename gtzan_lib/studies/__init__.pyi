from .aggregation import compare_aggregations
from .claims import claims_scope, examine_claims
from .clustering import agreement, cluster, representative_tracks, scan_k, stability
from .grid import GridResult, grid, pipeline
from .reshuffle import ReshuffleResult, reshuffle
from .variance import variance_shares

__all__ = [
    "GridResult",
    "ReshuffleResult",
    "agreement",
    "claims_scope",
    "cluster",
    "compare_aggregations",
    "examine_claims",
    "grid",
    "pipeline",
    "representative_tracks",
    "reshuffle",
    "scan_k",
    "stability",
    "variance_shares",
]
