"""YAML as people type it: 1e-3 is a number, and a key is given once."""

from __future__ import annotations

import re
from typing import Any

import yaml

__all__ = ["read_yaml"]

# Anchors can repeat a value without end, or a thousand times a thousand times.
LARGEST = 100_000


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """Reads what is composed of texts, numbers, lists and mappings."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        """Refuse a key that is given twice, of which PyYAML drops the first."""
        node = super().compose_mapping_node(anchor)
        names = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in names:
                problem = f"the key {key.value!r} is given twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            names.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        return node


# YAML 1.1 asks for a point and a sign, 1.0e-3 and 1.0e+3.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


def read_yaml(text: str | bytes) -> Any:
    """Read YAML.

    Parameters
    ----------
    text : str or bytes
        Bytes are UTF-8, or UTF-16 with a byte order mark.

    Returns
    -------
    object
        The value; None for an empty text.

    Raises
    ------
    ValueError
        If it cannot be read; its message is the end of a sentence, with the line.
    """
    try:
        value = yaml.load(text, _Loader)
    except yaml.reader.ReaderError as error:
        raise ValueError(
            f"holds bytes or signs that are not text ({error.reason}, at position "
            f"{error.position}); save it as UTF-8"
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" near line {mark.line + 1}" if mark else ""
        problem = error.problem or error.context or "it cannot be parsed"
        advice = "indent with blanks, not tabs" if "\\t" in problem else "correct it"
        raise ValueError(f"is not valid YAML{place} ({problem}); {advice}") from error
    except RecursionError as error:
        raise ValueError("is nested too deeply; write it with fewer brackets") from error
    except Exception as error:
        # PyYAML raises errors of many types for a value that is not what its tag says,
        # and for dates that do not exist.
        raise ValueError(f"holds a value that cannot be read ({error}); correct it") from error
    if not _is_finite(value):
        raise ValueError("repeats values by anchors too often; write them out")
    return value


def _is_finite(value: Any) -> bool:
    """Return whether a value holds at most `LARGEST` others."""
    remaining, count = [value], 0
    while remaining and count <= LARGEST:
        count += 1
        item = remaining.pop()
        if isinstance(item, dict):
            remaining += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set):
            remaining += item
    return not remaining
