"""`make bench`: run all benchmarks on this machine and print their results.

`python -m benchmarks <name>` runs one; those that take many minutes only run by name.
"""

import os
import platform
import sys

from . import (
    compose,
    denoising,
    features,
    grid,
    health,
    imports,
    inference,
    rerun,
    roofline,
    size,
    spectrograms,
    training,
)

print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores\n")
MODULES = (
    imports,
    inference,
    spectrograms,
    training,
    roofline,
    features,
    grid,
    health,
    denoising,
    compose,
    rerun,
)

BY_NAME = {module.__name__.split(".")[-1]: module for module in (*MODULES, size)}

for module in [BY_NAME[name] for name in sys.argv[1:]] or MODULES:
    print(f"{module.__doc__.splitlines()[0]}")
    for name, value in module.measure():
        print(f"  {name:<60} {value}")
    print()
