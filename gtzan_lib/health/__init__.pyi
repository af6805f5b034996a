from .check import check_health
from .quarantine import quarantine, restore
from .report import HealthReport
from .scoring import score_report

__all__ = [
    "HealthReport",
    "check_health",
    "quarantine",
    "restore",
    "score_report",
]
