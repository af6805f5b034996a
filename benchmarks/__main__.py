"""`make bench`: run all benchmarks on this machine and print their results."""

import os
import platform

from . import (
    compose,
    denoising,
    features,
    grid,
    health,
    imports,
    inference,
    rerun,
    spectrograms,
    training,
)

print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores\n")
MODULES = (
    imports,
    inference,
    spectrograms,
    training,
    features,
    grid,
    health,
    denoising,
    compose,
    rerun,
)

for module in MODULES:
    print(f"{module.__doc__.splitlines()[0]}")
    for name, value in module.measure():
        print(f"  {name:<58}{value}")
    print()
