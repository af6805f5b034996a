"""Live audio: recording, saving takes, and predicting a stream.

The names in `__init__.pyi` are loaded from their modules on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
