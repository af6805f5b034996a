"""Experiments in music-genre classification, and their honest evaluation.

The names listed in `__init__.pyi` are those that a notebook needs daily; the rest
is reached by its room, such as `gtzan_lib.live.record`. Each is loaded on first
use, so that importing the package costs next to nothing.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
