"""The counts of arithmetic and memory traffic behind the book's table of training steps."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.roofline import Operations


def counted(function):
    with Operations() as operations:
        function()
    return sum(operations.flops), sum(operations.bytes)


def test_a_linear_layer():
    # y = x W' + b, then the gradients of x, W and b.
    n, ins, outs = 8, 20, 10
    layer, x = nn.Linear(ins, outs), torch.ones(n, ins, requires_grad=True)
    gradient = torch.ones(n, outs)
    forward = 4 * (n * ins + ins * outs + outs + n * outs)
    assert counted(lambda: layer(x)) == (2 * n * ins * outs, forward)
    y = layer(x)
    of_x = 4 * (n * outs + ins * outs + n * ins)
    of_weights = 4 * (n * outs + n * ins + ins * outs)
    of_bias = 4 * (n * outs + outs)
    backward = counted(lambda: torch.autograd.grad(y, (x, *layer.parameters()), gradient))
    assert backward == (2 * 2 * n * ins * outs, of_x + of_weights + of_bias)


def test_a_convolution():
    n, ins, outs, side, kernel = 2, 3, 5, 16, 3
    layer = nn.Conv2d(ins, outs, kernel, padding=1)
    x = torch.ones(n, ins, side, side, requires_grad=True)
    image, result = n * ins * side**2, n * outs * side**2
    weights = outs * ins * kernel**2
    product = 2 * result * ins * kernel**2
    assert counted(lambda: layer(x)) == (product, 4 * (image + weights + outs + result))
    y = layer(x)
    backward = counted(lambda: torch.autograd.grad(y, (x, *layer.parameters()), torch.ones_like(y)))
    ones = 4 * result
    read, written = result + image + weights, image + weights + outs
    assert backward == (2 * product, ones + 4 * (read + written))


def test_an_lstm():
    n, steps, ins, hidden = 4, 6, 8, 16
    lstm, x = nn.LSTM(ins, hidden, batch_first=True), torch.ones(n, steps, ins)
    flops, _ = counted(lambda: lstm(x.requires_grad_())[0].sum().backward())
    # Four gates of each step; backward the gradients of inputs and weights.
    assert flops == 3 * 2 * n * steps * 4 * hidden * (ins + hidden)


def test_adam_reads_gradients_and_reads_and_writes_weights_and_both_moments():
    weights = nn.Parameter(torch.ones(1000))
    adam = torch.optim.Adam([weights], fused=True)
    weights.grad = torch.ones(1000)
    adam.step()
    flops, moved = counted(adam.step)
    assert flops == 0
    steps = 4 * 4  # the number of the step, which is raised, and read
    assert moved == pytest.approx(4 * 1000 * (1 + 2 * 3), abs=steps)


def test_what_an_operation_does_with_memory():
    a, b = torch.ones(100), torch.ones(100)
    assert counted(lambda: a.relu_()) == (0, 800)
    assert counted(lambda: a.copy_(b)) == (0, 800)
    assert counted(lambda: a.zero_()) == (0, 400)
    assert counted(lambda: a + b) == (0, 1200)
    assert counted(lambda: a.view(10, 10).t()[2:]) == (0, 0)
    # One number that stands for a hundred.
    assert counted(lambda: a + torch.ones(1).expand(100))[1] == 4 + 4 + 400 + 400
    assert counted(lambda: torch.empty(100)) == (0, 0)


def test_as_many_operations_as_pytorch_counts():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
    x = torch.ones(2, 1, 8, 8)
    with FlopCounterMode(display=False) as counter:
        net(x).sum().backward()
    assert counted(lambda: net(x).sum().backward())[0] == counter.get_total_flops()
