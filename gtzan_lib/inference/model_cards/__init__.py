"""Model cards to read, in Hugging Face's format, of the models that come with the package.

    python -m gtzan_lib.inference.model_cards

writes them as `README.md` beside each model. All numbers are from the model's own card,
`model.json`, from the record of its test score, and from the facts about GTZAN's clips; the
words are those of the template `card.md`, and of `kinds` for each kind of model.
"""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Any

from ...documents import CardDocument, RecordDocument, read_document
from ...errors import ModelError
from ...files import atomic_path
from ..zoo import CARD, SHIPPED
from .front_matter import front_matter
from .kinds import KINDS
from .values import values

__all__ = ["FILE", "MARK", "model_card", "write_model_cards"]

FILE = "README.md"
"""Name of a card's file, in the folder of its model."""

MARK = "<!-- The card begins here. -->"
"""The line between the front matter and the text, from which pages include a card."""

_TEMPLATE = Path(__file__).with_name("card.md")


def model_card(name: str) -> str:
    """Return the card of a model that comes with the package.

    Parameters
    ----------
    name : str
        Name of the model, such as `gtzan-musicnn`.

    Returns
    -------
    str
        Front matter in YAML, with the results as a model index, and the text in Markdown.

    Raises
    ------
    ModelError
        If the package has no such model, or none of its kind has a text.

    See Also
    --------
    gtzan_lib.documents.CardDocument : The model's own card, for programs.

    Notes
    -----
    The book page "Model cards" shows them.

    References
    ----------
    M. Mitchell et al., "Model cards for model reporting", FAT* 2019.

    Examples
    --------
    >>> model_card("gtzan-scratch").splitlines()[0]
    '---'
    """
    names = sorted(file.parent.name for file in SHIPPED.glob(f"*/{CARD}"))
    if name not in names:
        raise ModelError(
            f"no model {name!r} comes with the package; choose one of {', '.join(names)}."
        )
    card = read_document(SHIPPED / name / CARD, CardDocument)
    record = _record_of(name, card)
    kind = KINDS.get(card["architecture"])
    if kind is None:
        raise ModelError(
            f"models of architecture {card['architecture']!r} have no text for a card; add it to "
            "gtzan_lib/inference/model_cards/kinds.py."
        )
    text = Template(_TEMPLATE.read_text(encoding="utf-8"))
    body = text.substitute(values(name, kind, card, record))
    return f"{front_matter(name, card, record)}\n{MARK}\n\n{body}"


def _record_of(name: str, card: dict[str, Any]) -> dict[str, Any] | None:
    """Return the record of a model's test score; None if it is of another training, or none."""
    file = SHIPPED / name / f"{name}.json"
    if "record_sha256" not in card or not file.is_file():
        return None
    record = read_document(file, RecordDocument)
    return record if record["result_sha256"] == card["record_sha256"] else None


def write_model_cards(folder: str | Path = SHIPPED) -> list[Path]:
    """Write the cards of all models of the package.

    Parameters
    ----------
    folder : str or Path
        Receives `<name>/README.md` of each model. Default: the models' own folder.

    Returns
    -------
    list of Path
        The files.
    """
    files = []
    for file in sorted(SHIPPED.glob(f"*/{CARD}")):
        name = file.parent.name
        files.append(Path(folder) / name / FILE)
        with atomic_path(files[-1]) as temporary:
            temporary.write_text(model_card(name), encoding="utf-8", newline="\n")
    return files
