from .claims import decided_by, examine_claims
from .clustering import agreement, cluster, representative_tracks, scan_k, stability
from .grid import Grid, grid, pipeline
from .reshuffle import Reshuffle, reshuffle
from .variance import variance_shares

__all__ = [
    "Grid",
    "Reshuffle",
    "agreement",
    "cluster",
    "decided_by",
    "examine_claims",
    "grid",
    "pipeline",
    "representative_tracks",
    "reshuffle",
    "scan_k",
    "stability",
    "variance_shares",
]
