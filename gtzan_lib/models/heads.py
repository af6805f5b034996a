"""Small nets on representations that another net has learned."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["LogisticHead"]


class LogisticHead(nn.Module):
    """Multinomial logistic regression on standardised inputs, with a temperature.

    Parameters
    ----------
    classes : int
        Number of genres.
    inputs : int
        Number of values that represent a window.

    Notes
    -----
    Its weights are set by `gtzan_lib.inference.fitting.fit_head`. The temperature
    divides the logits, so that confidence equals accuracy.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
    networks", ICML 2017, section 4.2.
    """

    mean: torch.Tensor
    deviation: torch.Tensor
    temperature: torch.Tensor

    def __init__(self, classes: int = 10, inputs: int = 50) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("deviation", torch.ones(inputs))
        self.register_buffer("temperature", torch.ones(()))
        self.linear = nn.Linear(inputs, classes)

    def forward(self, representation: torch.Tensor) -> torch.Tensor:
        """Return the logits of windows.

        Parameters
        ----------
        representation : torch.Tensor [shape=(n, inputs), dtype=float32]
            One row per window.

        Returns
        -------
        torch.Tensor [shape=(n, classes), dtype=float32]
            One logit per genre.
        """
        standardised = (representation - self.mean) / self.deviation
        return self.linear(standardised) / self.temperature
