"""`python -m gtzan_lib` is the command `gtzan`."""

from .cli import main

main()
