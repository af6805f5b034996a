from .aggregate import AGGREGATION_METHODS, aggregate
from .askings import read_askings
from .comparison import difference, learning_curve, mcnemar, paired_tests
from .evaluate import evaluate
from .evaluation import Evaluation
from .leakage import LeakageAudit, audit
from .records import ExperimentRecord, leaderboard, predictions
from .scoring import ScoredPredictions, score_predictions
from .summary import headline, summary

__all__ = [
    "AGGREGATION_METHODS",
    "Evaluation",
    "ExperimentRecord",
    "LeakageAudit",
    "ScoredPredictions",
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
    "read_askings",
    "score_predictions",
    "summary",
]
