from .check import check_health
from .prepare import prepare_corpus
from .quarantine import quarantine, restore
from .report import HealthReport
from .scoring import score_report

__all__ = [
    "HealthReport",
    "check_health",
    "prepare_corpus",
    "quarantine",
    "restore",
    "score_report",
]
