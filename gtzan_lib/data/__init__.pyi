from .corpus import Corpus, open_corpus
from .gtzan import durations, facts, known_faults
from .splits import DataSplit, split
from .tables import read_table
from .windows import KAGGLE_GRID, WindowGrid, window_table
from .workspace import Workspace

__all__ = [
    "KAGGLE_GRID",
    "Corpus",
    "DataSplit",
    "WindowGrid",
    "Workspace",
    "durations",
    "facts",
    "known_faults",
    "open_corpus",
    "read_table",
    "split",
    "window_table",
]
