"""Figures and audio players of the book.

The names in `__init__.pyi` are loaded from their modules on first use. Functions
with a parameter `ax` draw into these axes, or into a new figure by default, and
return the axes or the figure.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
