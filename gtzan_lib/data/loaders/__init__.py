"""Loaders: one module a data set, with its facts beside it.

A loader knows how a data set lies on the disk, and what is known of its tracks.
Each module has the three names of `layout.Loader`; `LOADERS` lists them. To add
a data set, write such a module and name it there. The layout follows mirdata
(Bittner et al., "mirdata: Software for reproducible usage of datasets",
ISMIR 2019).
"""

from __future__ import annotations

from . import fma, folder, gtzan
from .layout import Loader

__all__ = ["LOADERS"]

LOADERS: dict[str, Loader] = {"fma": fma, "gtzan": gtzan, "folder": folder}
"""Loaders by name, in the order in which they are tried; `folder` takes what is left.

:meta hide-value:
"""
