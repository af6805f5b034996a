"""Values with their intervals, as words and as columns of the tables on pages."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

import pandas as pd

__all__ = ["interval_column", "interval_words"]


def interval_words(
    row: Mapping[Hashable, float] | pd.Series,
    value: str,
    *,
    scale: float = 100.0,
    digits: int = 0,
    unit: str = " %",
) -> str:
    """Write a value with its 95 % interval for a sentence.

    Parameters
    ----------
    row : mapping of str to float
        Has the value, and the ends of its interval as `low` and `high`, or with the name of
        the value before them, as in `share_low`.
    value : str
        Name of the value.
    scale : float
        What all three are multiplied with.
    digits : int
        Digits after the point.
    unit : str
        Follows the value.

    Returns
    -------
    str
        Such as `38 % (95 % interval 33 to 43)`.
    """
    low, high = _ends(row.keys(), value)
    middle, start, end = (f"{scale * row[name]:.{digits}f}" for name in (value, low, high))
    return f"{middle}{unit} (95 % interval {start} to {end})"


def interval_column(
    table: pd.DataFrame,
    value: str,
    *,
    scale: float = 100.0,
    digits: int = 0,
    signed: bool = False,
) -> pd.Series:
    """Write values with their intervals for a column of a table.

    Parameters
    ----------
    table : pd.DataFrame
        Has columns as the row of `interval_words`.
    value : str
        Name of the column of values.
    scale : float
        What all are multiplied with.
    digits : int
        Digits after the point.
    signed : bool
        Whether positive values have a sign.

    Returns
    -------
    pd.Series
        Texts such as `38 (33 to 43)`; only the value where there is no interval, and a dash
        where there is no value.
    """
    sign = "+" if signed else ""
    texts = []
    for row in table[[value, *_ends(table.columns, value)]].itertuples(index=False):
        # Adding zero makes a negative zero a positive one.
        rounded = [round(scale * number, digits) + 0.0 for number in row]
        middle, low, high = (f"{number:{sign}.{digits}f}" for number in rounded)
        interval = "" if pd.isna(row[1]) else f" ({low} to {high})"
        texts.append("–" if pd.isna(row[0]) else middle + interval)
    return pd.Series(texts, index=table.index, dtype=object)


def _ends(names: Iterable[Hashable], value: str) -> tuple[str, str]:
    own = f"{value}_low" in set(names)
    return (f"{value}_low", f"{value}_high") if own else ("low", "high")
