"""Logistic regression as a net."""

import numpy as np
import torch

from gtzan_lib.models.heads import LogisticHead


def test_logits_by_hand():
    head = LogisticHead(classes=2, inputs=2)
    with torch.no_grad():
        head.mean.copy_(torch.tensor([1.0, 2.0]))
        head.deviation.copy_(torch.tensor([2.0, 4.0]))
        head.temperature.fill_(0.5)
        head.linear.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 3.0]]))
        head.linear.bias.copy_(torch.tensor([0.25, -1.0]))
    logits = head(torch.tensor([[3.0, 6.0], [1.0, 2.0]])).detach().numpy()
    np.testing.assert_allclose(logits, [[2.5, 4.0], [0.5, -2.0]])


def test_all_of_it_is_saved():
    assert set(LogisticHead().state_dict()) == {
        "mean",
        "deviation",
        "temperature",
        "linear.weight",
        "linear.bias",
    }
