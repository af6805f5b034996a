"""Types that a notebook can declare for its parameters, with their choices and ranges."""

from __future__ import annotations

import builtins
import difflib
import inspect
import math
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

__all__ = ["TYPES", "ParameterType", "Range", "type_names"]


class Range(NamedTuple):
    """Numbers that a parameter takes.

    Attributes
    ----------
    words : str
        The range in error messages, such as `at least 1`.
    holds : callable
        Whether a number is in the range.
    """

    words: str
    holds: Callable[[float], bool]


class ParameterType(NamedTuple):
    """Values that a parameter takes.

    Range and choices are those of the value itself, of every item of a list, or of
    every key of a dictionary.

    Attributes
    ----------
    base : type
        Type of the value; a `float` may also be an `int`.
    range : Range, optional
        Numbers that are possible. Default: all.
    choices : callable, optional
        Returns the texts that are possible. Default: all texts are.
    """

    base: type
    range: Range | None = None
    choices: Callable[[], list[str]] | None = None

    def refusal(self, value: Any) -> str:
        """Return what is wrong with a value, as the end of a sentence.

        Parameters
        ----------
        value : object
            Value of a parameter.

        Returns
        -------
        str
            Empty if the value is valid.
        """
        if not _fits(value, self.base):
            return f"takes {self.base.__name__}, got {value!r} ({type(value).__name__})."
        for leaf in _leaves(value):
            # YAML reads dates; a saved run and a record could not hold them.
            if not isinstance(leaf, str | int | float | None):
                return f"takes texts and numbers, got {leaf!r}; put it in quotes."
            if isinstance(leaf, float) and not math.isfinite(leaf):
                return f"takes finite numbers, got {value!r}."
        if self.range is None and self.choices is None:
            return ""
        if value == []:
            return "takes a list with at least one item, got []."
        for item in value if isinstance(value, list | dict) else [value]:
            refusal = self._refusal_of_item(item)
            if refusal:
                return refusal
        return ""

    def _refusal_of_item(self, item: Any) -> str:
        parts: dict[type, str] = {list: "a list of ", dict: "the keys "}
        if self.range is not None and not (_fits(item, float) and self.range.holds(item)):
            numbers = "int" if self.base is int else "float"
            return f"takes {parts.get(self.base, '')}{numbers} {self.range.words}, got {item!r}."
        if self.choices is not None and item not in (choices := self.choices()):
            known = f"{', '.join(choices[:-1])} or {choices[-1]}"
            close = difflib.get_close_matches(str(item), choices, 1)
            advice = f"; did you mean {close[0]!r}?" if close else "."
            return f"takes {parts.get(self.base, '')}{known}, got {item!r}{advice}"
        return ""


def type_names() -> str:
    """Return the names of all types, for an error message.

    Returns
    -------
    str
        With commas between them, and quotes where a notebook needs them.
    """
    return ", ".join(name if hasattr(builtins, name) else f'"{name}"' for name in TYPES)


def _leaves(value: Any) -> Iterator[Any]:
    """Yield what lists and dictionaries hold, keys included."""
    if isinstance(value, list | dict):
        for item in value:
            yield from _leaves(item)
        for item in value.values() if isinstance(value, dict) else ():
            yield from _leaves(item)
    else:
        yield value


def _fits(value: Any, wanted: type) -> bool:
    if isinstance(value, bool):
        return wanted is bool
    return isinstance(value, wanted) or (wanted is float and isinstance(value, int))


def _package(name: str) -> Any:
    """Return what a module of the package defines, `data.splits:PROTOCOLS`.

    It is named by a text, since modules are loaded by the notebooks that use the
    type only, and no result depends on a module whose names are only compared.
    """
    return pkgutil.resolve_name(f"{__name__.partition('.')[0]}.{name}")


def _names(constant: str) -> Callable[[], list[str]]:
    return lambda: list(_package(constant))


def _architectures(*, features: bool) -> Callable[[], list[str]]:
    """Return a function that lists the nets for single windows, or those for images alone."""
    images = {"images": 3}
    inputs = [images, {**images, "features": 2}] if features else [images]
    return lambda: [
        name
        for name in _package("models.registry:ARCHITECTURES")
        if _package("models.registry:input_axes")(name) in inputs
    ]


def _net_arguments() -> list[str]:
    """Return the arguments of all nets, without those that come from the data."""
    nets = _package("models.registry:ARCHITECTURES").values()
    names = {name for net in nets for name in inspect.signature(net).parameters}
    return sorted(names - {"classes", "size", "features"})


def _training_settings() -> list[str]:
    """Return the settings of `NetClassifier` that are no parameters of notebooks themselves."""
    names = inspect.signature(_package("training.classifier:NetClassifier")).parameters
    own = {"architecture", "arguments", "epochs", "learning_rate", "batch_size"}
    return sorted(names.keys() - own - {"checkpoint", "seed"})


def _at_least(smallest: int) -> Range:
    return Range(f"of at least {smallest}", lambda number: smallest <= number < math.inf)


_POSITIVE = Range("above 0", lambda number: 0 < number < math.inf)

TYPES: dict[str, ParameterType] = {
    "str": ParameterType(str),
    "int": ParameterType(int),
    "float": ParameterType(float),
    "bool": ParameterType(bool),
    "list": ParameterType(list),
    "dict": ParameterType(dict),
    # Ranges.
    "NonNegativeInt": ParameterType(int, _at_least(0)),
    "PositiveInt": ParameterType(int, _at_least(1)),
    "AtLeastTwo": ParameterType(int, _at_least(2)),
    "Folds": ParameterType(int, Range("of 1 or of at least 3", lambda n: n == 1 or n >= 3)),
    "CrossValidationFolds": ParameterType(int, _at_least(3)),
    "NonNegativeFloat": ParameterType(float, _at_least(0)),
    "PositiveFloat": ParameterType(float, _POSITIVE),
    "PositiveFloats": ParameterType(list, _POSITIVE),
    "FiniteFloats": ParameterType(list, Range("that are finite", math.isfinite)),
    "Share": ParameterType(float, Range("between 0 and 1", lambda number: 0 < number < 1)),
    "TrainingShares": ParameterType(
        list, Range("above 0 and at most 1", lambda number: 0 < number <= 1)
    ),
    # Choices, from the modules that define them.
    "Protocol": ParameterType(str, choices=_names("data.splits:PROTOCOLS")),
    "Protocols": ParameterType(list, choices=_names("data.splits:PROTOCOLS")),
    # Those that have folds and keep the windows of a track together.
    "GroupedProtocol": ParameterType(str, choices=lambda: ["artist", "track"]),
    "Recipe": ParameterType(str, choices=_names("signal.recipes:PRESETS")),
    "FeatureFamily": ParameterType(str, choices=_names("signal.families:FAMILIES")),
    "Architecture": ParameterType(str, choices=_architectures(features=True)),
    "ImageArchitecture": ParameterType(str, choices=_architectures(features=False)),
    "NetArguments": ParameterType(dict, choices=_net_arguments),
    "TrainingSettings": ParameterType(dict, choices=_training_settings),
    "Classifiers": ParameterType(list, choices=_names("studies.grid:CLASSIFIERS")),
    "NoiseType": ParameterType(str, choices=_names("signal.degradations:NOISE_TYPES")),
    "DenoisingMethod": ParameterType(str, choices=_names("signal.denoise:METHODS")),
}
"""Types by the names that notebooks use: those of Python as they are, others in quotes."""
