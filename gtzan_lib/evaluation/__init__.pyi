from .aggregate import AGGREGATION_METHODS, aggregate
from .askings import read_askings
from .comparison import compare_models, difference, learning_curve, mcnemar, paired_tests
from .evaluate import evaluate
from .evaluation import Evaluation
from .leakage import LeakageAudit, audit
from .records import ExperimentRecord, leaderboard, predictions
from .scoring import ScoredPredictions, score_predictions
from .summary import headline, summary, versus_chance

__all__ = [
    "AGGREGATION_METHODS",
    "Evaluation",
    "ExperimentRecord",
    "LeakageAudit",
    "ScoredPredictions",
    "aggregate",
    "audit",
    "compare_models",
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
    "versus_chance",
]
