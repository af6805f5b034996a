"""Entry point of `python -m gtzan_lib`, the same as the command `gtzan`."""

from .cli import main

main()
