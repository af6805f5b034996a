"""Arrays as a torch data set that is indexed one batch at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

__all__ = ["ArrayDataset"]


class ArrayDataset(torch.utils.data.Dataset[tuple[Any, torch.Tensor]]):
    """Arrays that are indexed once per batch, without another copy.

    Indexing once per window would slow down training.

    Parameters
    ----------
    X : np.ndarray or dict of np.ndarray
        Inputs; memory maps stay on disk.
    y : np.ndarray [shape=(n,), dtype=int64], optional
        Indices of genres.
    device : str
        On a GPU, inputs are copied there once if they need less than half of the
        free memory.
    """

    def __init__(self, X: Any, y: np.ndarray | None = None, *, device: str = "cpu") -> None:
        self.X = X
        self._inputs = dict(X) if isinstance(X, Mapping) else {"": X}
        self.length = len(next(iter(self._inputs.values())))
        self.y = np.zeros(self.length, dtype=np.int64) if y is None else np.asarray(y)
        if device.startswith("cuda"):
            size = sum(values.nbytes for values in self._inputs.values())
            if size < torch.cuda.mem_get_info(device)[0] / 2:
                self._inputs = {
                    name: torch.from_numpy(np.array(values)).to(device)
                    for name, values in self._inputs.items()
                }

    def __len__(self) -> int:
        return self.length

    def take(self, n: int) -> Any:
        """Return the first `n` rows of the inputs, in their original form."""
        if isinstance(self.X, Mapping):
            return {name: values[:n] for name, values in self.X.items()}
        return self.X[:n]

    def __getitems__(self, rows: list[int]) -> tuple[Any, torch.Tensor]:
        """Return inputs and indices of genres of some rows."""
        indices = np.asarray(rows)
        batch = {name: _take(values, indices) for name, values in self._inputs.items()}
        return batch.get("", batch), torch.from_numpy(self.y[indices])

    def __getitem__(self, row: int) -> tuple[Any, torch.Tensor]:
        """Return input and index of the genre of one row, as a batch of one."""
        return self.__getitems__([row])


def _take(values: Any, rows: np.ndarray) -> torch.Tensor:
    if isinstance(values, torch.Tensor):
        return values[torch.from_numpy(rows).to(values.device)]
    return torch.from_numpy(values[rows])
