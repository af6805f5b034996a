from .aggregate import AGGREGATIONS, aggregate
from .comparison import difference, learning_curve, mcnemar, paired_tests
from .evaluate import evaluate
from .evaluation import Evaluation
from .leakage import Audit, audit
from .records import Record, leaderboard, predictions
from .summary import headline, summary

__all__ = [
    "AGGREGATIONS",
    "Audit",
    "Evaluation",
    "Record",
    "aggregate",
    "audit",
    "difference",
    "evaluate",
    "headline",
    "leaderboard",
    "learning_curve",
    "mcnemar",
    "paired_tests",
    "predictions",
    "summary",
]
