"""The result of an evaluation in sentences, for pages."""

from __future__ import annotations

from scipy import stats

from ..data.splits import PART_NAMES
from ..stats import Score
from .evaluation import Evaluation

__all__ = ["MAX_P_VALUE", "caveats", "headline", "summary", "versus_chance"]

MAX_P_VALUE = 0.01
"""A score with a p-value of at least this is called not better than chance."""

# A model with a lower training accuracy is called underfitted.
_MIN_TRAIN_ACCURACY = 0.80


def caveats(evaluation: Evaluation) -> list[str]:
    """Return the warnings that belong to a result: underfitting, chance, no convergence.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.

    Returns
    -------
    list of str
        One sentence per warning; empty if there is none.
    """
    sentences = []
    score = f"{PART_NAMES[evaluation.part].removesuffix(' part')} score"
    if evaluation.train_accuracy < _MIN_TRAIN_ACCURACY:
        sentences.append(
            f"The training accuracy is only {100 * evaluation.train_accuracy:.0f} %: the model is "
            f"underfitted, and the {score} says nothing about the method."
        )
    if evaluation.p_value >= MAX_P_VALUE:
        sentences.append(
            f"The {score} is not better than chance at the 1 % level "
            f"(p = {evaluation.p_value:.2g}): nothing can be concluded from it."
        )
    if evaluation.unconverged:
        sentences.append(
            f"Training stopped before it converged in {evaluation.unconverged} of "
            f"{len(evaluation.split)} folds; with more iterations the score may differ."
        )
    return sentences


def headline(evaluation: Evaluation) -> str:
    """Return the result in one or a few sentences, with the caveats.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.

    Returns
    -------
    str
        Accuracy with interval and protocol, under the official one also the part that
        was scored; then the caveats.
    """
    split = evaluation.split
    part = f", {_part(evaluation)}" if split.protocol == "official" else ""
    accuracy = f"{evaluation.accuracy()}, split by {split.protocol}{part}."
    return " ".join([accuracy, *caveats(evaluation)])


def summary(evaluation: Evaluation) -> str:
    """Return the result as paragraphs of Markdown.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.

    Returns
    -------
    str
        Accuracy of tracks, windows and training windows, the part that was scored, the
        baseline, and the caveats.
    """
    split = evaluation.split
    kind = f"{len(split)}-fold cross-validation"
    if len(split) == 1:
        kind = _part(evaluation) if split.protocol == "official" else "one test part"
    paragraphs = [
        f"**Track accuracy: {evaluation.accuracy()}.** Split by {split.protocol}, {kind}; the "
        f"baseline, always guessing one genre, has {100 * evaluation.baseline:.1f} %. Window "
        f"accuracy: {evaluation.accuracy('window')}. Training accuracy, by window: "
        f"{100 * evaluation.train_accuracy:.1f} %."
    ]
    paragraphs += [f"> **Caution.** {caveat}" for caveat in caveats(evaluation)]
    return "\n\n".join(paragraphs)


def versus_chance(score: Score, chance: float) -> str:
    """Say whether a score is better than always naming the most frequent genre.

    Parameters
    ----------
    score : Score
        The share of correct predictions.
    chance : float
        The share of the most frequent genre among them, from 0 to 1.

    Returns
    -------
    str
        `better than chance` or `not better than chance`, by an exact binomial test whose
        p-value must be below `MAX_P_VALUE`.
    """
    correct = round(score.value * score.n)
    test = stats.binomtest(correct, score.n, chance, alternative="greater")
    return "better than chance" if test.pvalue < MAX_P_VALUE else "not better than chance"


def _part(evaluation: Evaluation) -> str:
    """Return the scored part, and whether it was also used to train the model."""
    choice = ", which also chose the epoch" if evaluation.chose_epoch else ""
    return f"{evaluation.scored_part}{choice}"
