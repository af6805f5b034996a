from .corpus import AudioCorpus, Corpus, ImageCorpus, TableCorpus
from .loaders.gtzan import durations, facts, known_faults
from .loaders.gtzan_splits import published_split
from .opening import open_corpus
from .splits import DataSplit, split
from .tables import read_table
from .windows import KAGGLE_GRID, WindowGrid, window_table
from .workspace import Workspace

__all__ = [
    "KAGGLE_GRID",
    "AudioCorpus",
    "Corpus",
    "DataSplit",
    "ImageCorpus",
    "TableCorpus",
    "WindowGrid",
    "Workspace",
    "durations",
    "facts",
    "known_faults",
    "open_corpus",
    "published_split",
    "read_table",
    "split",
    "window_table",
]
