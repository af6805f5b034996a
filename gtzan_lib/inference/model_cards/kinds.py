"""What is said of each kind of model, and cannot be read from its card."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["KINDS", "Kind"]


class Kind(NamedTuple):
    """Texts about the models of one architecture.

    Attributes
    ----------
    summary : str
        What the model is; `{weights}` stands for the number of its weights.
    outside : str
        Which data from outside GTZAN it has learned from.
    training : str
        How it was trained, and what is known of the effort.
    choice : str
        What the model was chosen by beside what its card says; empty if there is nothing.
    limits : tuple of str
        Limits of this kind alone.
    licence : str
        The licence of weights that are not this project's; empty if there are none.
    references : str
        What to cite beside the compendium and GTZAN, in BibTeX; empty if there is nothing.
    """

    summary: str
    outside: str
    training: str
    choice: str
    limits: tuple[str, ...]
    licence: str
    references: str


_MUSICNN = Kind(
    summary=(
        "A multinomial logistic regression with {weights} weights on the 50 tag logits of "
        "MusiCNN, a convolutional network that J. Pons and X. Serra trained to tag the Million "
        "Song Dataset."
    ),
    outside=(
        "MusiCNN was trained by its authors on tracks of the Million Song Dataset with tags of "
        "listeners. These may include recordings, or artists, of GTZAN's test part, which cannot "
        "be checked: the scores may be too high for music that neither data set holds."
    ),
    training=(
        "The tags of the training tracks are those that MusiCNN's author published. The regression "
        "needs no GPU; how long MusiCNN itself was trained, and on what machine, is not known to "
        "us."
    ),
    choice=(
        "The weight of degraded copies in training was also chosen by the 51 clips of the "
        "validation part whose sound was at hand."
    ),
    limits=(
        "**Two ways to the tags.** The scores are for the published tags, and sound is tagged by "
        "a port of the network.",
    ),
    licence=(
        "Predicting sound also needs the weights of MusiCNN. They are not in this folder, but come "
        "with the package, under the ISC licence: Copyright (c) Music Technology Group, "
        "Universitat Pompeu Fabra 2019. Licence and notice are in "
        "`gtzan_lib/models/musicnn_weights/`, and must stay with copies of these weights."
    ),
    references="""@misc{pons2019musicnn,
  author = {Pons, Jordi and Serra, Xavier},
  title  = {musicnn: Pre-trained convolutional neural networks for music audio tagging},
  year   = {2019},
  note   = {arXiv:1909.06654}
}
""",
)

_STATISTICS = Kind(
    summary=(
        "The geometric mean of three multinomial logistic regressions, with {weights} weights "
        "together, on statistics of log-mel spectrograms: levels, moments and lagged covariance."
    ),
    outside="none.",
    training="It needs no GPU.",
    choice="",
    limits=(
        "**Chosen among many.** Settings were chosen by the validation part, over several dozen "
        "configurations, so that its validation score is too good.",
    ),
    licence="",
    references="",
)

KINDS = {"musicnn": _MUSICNN, "logmel-statistics": _STATISTICS}
"""Texts by architecture, as the card names it.

:meta hide-value:
"""
