from .aggregation import compare_aggregations
from .claims import claims_scope, examine_claims
from .clustering import agreement, cluster, representative_tracks, scan_k, stability
from .grid import Grid, grid, pipeline
from .reshuffle import Reshuffle, reshuffle
from .variance import variance_shares

__all__ = [
    "Grid",
    "Reshuffle",
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
