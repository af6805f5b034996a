"""Values with their intervals, as words and as columns."""

import numpy as np
import pandas as pd

from gtzan_lib.published.intervals import interval_column, interval_words

TABLE = pd.DataFrame(
    {
        "share": [0.376, np.nan, 0.5],
        "low": [0.326, np.nan, np.nan],
        "high": [0.43, np.nan, np.nan],
        "gap": [-0.021, 0.0, 0.3],
        "gap_low": [-0.1, -0.2, 0.1],
        "gap_high": [0.05, 0.2, 0.5],
    }
)


def test_columns_have_own_or_common_ends():
    assert interval_column(TABLE, "share").tolist() == ["38 (33 to 43)", "–", "50"]
    shown = interval_column(TABLE, "gap", scale=1, digits=2, signed=True)
    assert shown[0] == "-0.02 (-0.10 to +0.05)"


def test_words():
    assert interval_words(TABLE.iloc[0], "share") == "38 % (95 % interval 33 to 43)"
    text = interval_words(TABLE.iloc[2], "gap", scale=1, digits=1, unit=" points")
    assert text == "0.3 points (95 % interval 0.1 to 0.5)"
