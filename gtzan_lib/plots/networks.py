"""Figures of neural networks: their layers, their training and data augmentation."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import torch
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.ticker import MaxNLocator
from torch import nn

from ..models.layers import FeatureScaler, ImageInput
from ..training.augmentation import Augmentation
from .spectrograms import spectrogram
from .style import BLUE, RED, new_axes, plain_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..signal.recipes import Recipe
    from ..training.classifier import NetClassifier

__all__ = ["augmentations", "network", "networks", "seed_curves", "training_history"]

# Label, colour and style by the prefix of a column of `NetClassifier.history_`.
_PARTS = {"train": ("training", BLUE, "o-"), "valid": ("validation", RED, "s--")}

# What a layer is called; those that are not listed have the name of their class.
_NAMES = {
    "AdaptiveAvgPool2d": "mean of every channel",
    "BatchNorm2d": "batch normalisation",
    "Dropout": "dropout",
    "Dropout2d": "dropout",
    "FeatureScaler": "features, standardised",
    "Flatten": "flattening",
    "Linear": "fully connected layer",
    "MaxPool2d": "max pooling",
}
# Layers that belong to the box before them, and those that belong to the one after.
_FOLLOWING = (nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d, nn.Dropout2d, nn.Identity)
_PRECEDING = (nn.Flatten, nn.Dropout)

# In units of the axes, in which a box is one unit high: its width, the gap between boxes
# beside each other, and the distance from one row to the next.
_WIDTH, _GAP, _STEP = 8.0, 0.4, 1.62
# Random changes of which augmentations() draws one.
_DRAWS = 16


@dataclasses.dataclass
class _Box:
    """One box of a diagram: a layer, or layers that belong together."""

    title: str
    layers: list[nn.Module] = dataclasses.field(default_factory=list)
    output: tuple[int, ...] = ()
    weights: int = 0
    count: int = 1
    is_input: bool = False
    has_shortcut: bool = False

    @property
    def heading(self) -> str:
        return self.title if self.count == 1 else f"{self.count} {self.title}s"

    @property
    def details(self) -> str:
        """What is in the box, in the order of its first occurrence."""
        names = Counter(_name(layer) for layer in self.layers if not isinstance(layer, nn.Identity))
        words = [
            f"{count} {name.replace('convolution', 'convolutions')}"
            if count > 1 and name.startswith("convolution")
            else name
            for name, count in names.items()
        ]
        return ", ".join(word for word in words if word != self.title)


def network(estimator: NetClassifier, X: Any, ax: Axes | None = None) -> Axes:
    """Draw the layers of a trained net, from its input to its output.

    The diagram is read from the net itself: one row of `X` is passed through it, and
    every layer reports the shape of its output.

    Parameters
    ----------
    estimator : NetClassifier
        Fitted.
    X : np.ndarray, or dict of np.ndarray
        Inputs as for `NetClassifier.predict`; only the first row is used.
    ax : Axes, optional
        Axes to draw into.

    Returns
    -------
    Axes
        One box a layer or block of layers, with its number of weights; the share of
        all weights is shaded. Below each box stands the shape of its output: channels
        x height x width, steps x values, or values. A line around a box is a shortcut,
        whose input is added to the output.
    """
    boxes = _boxes(estimator.net_.bare_module, X, str(estimator.net_.device))
    rows = _rows(boxes)
    ax = new_axes(ax, (4.4, 0.25 + 0.7 * len(rows)))
    total = sum(box.weights for box in boxes)
    places = [_places(len(row)) for row in rows]
    for number, (row, row_places) in enumerate(zip(rows, places, strict=True)):
        y = -_STEP * number
        following = places[number + 1] if number + 1 < len(rows) else [(0.0, _WIDTH)]
        for box, (left, width) in zip(row, row_places, strict=True):
            _draw_box(ax, box, left, y, width, total)
            # Boxes beside each other lead into one, and one leads into the first of several.
            narrow = (left, width) if len(row) > 1 else following[0]
            _draw_arrow(ax, narrow[0] + narrow[1] / 2, y, _shape(box.output))
    text = f"softmax: probabilities of {len(estimator.classes_)} genres"
    bottom = y - _STEP + 0.95
    ax.text(_WIDTH / 2, bottom, text, ha="center", va="top", fontsize=8, style="italic")
    ax.set(xlim=(-0.05, _WIDTH + 0.75), ylim=(bottom - 0.5, 1.05))
    ax.set_axis_off()
    return ax


def _places(count: int) -> list[tuple[float, float]]:
    """Return left edge and width of the boxes of a row."""
    width = (_WIDTH - _GAP * (count - 1)) / count
    return [(number * (width + _GAP), width) for number in range(count)]


def _draw_arrow(ax: Axes, x: float, y: float, text: str) -> None:
    style = {"arrowstyle": "-|>", "color": "0.3", "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (x, y - _STEP + 1), (x, y), arrowprops=style)
    ax.text(x + 0.2, y - (_STEP - 1) / 2, text, fontsize=8, va="center")


def _draw_box(ax: Axes, box: _Box, left: float, y: float, width: float, total: int) -> None:
    face = "0.93" if box.is_input else "white"
    ax.add_patch(Rectangle((left, y), width, 1, facecolor=face, edgecolor="0.3", lw=1))
    share = box.weights / max(total, 1)
    ax.add_patch(Rectangle((left, y), share * width, 1, facecolor=BLUE, alpha=0.25, lw=0))
    middle = 0.68 if box.details else 0.5
    ax.text(left + 0.15, y + middle, box.heading, fontsize=9, weight="bold", va="center")
    ax.text(left + 0.15, y + 0.28, box.details, fontsize=7.5, va="center")
    if box.weights:
        text = f"{box.weights:,} weights"
        ax.text(left + width - 0.15, y + middle, text, fontsize=8, va="center", ha="right")
    if box.has_shortcut:
        x = left + width
        ax.add_patch(
            FancyArrowPatch(
                (x, y + 0.9), (x, y + 0.1), connectionstyle="bar,fraction=-0.55",
                arrowstyle="-|>", mutation_scale=10, color=RED, lw=1.4,
            )
        )  # fmt: skip
        ax.text(x + 0.52, y + 0.5, "+", color=RED, fontsize=10, va="center")


def _rows(boxes: list[_Box]) -> list[list[_Box]]:
    """Return the boxes of each row: a further input stands beside the box before it."""
    rows: list[list[_Box]] = []
    for box in boxes:
        if box.is_input and rows:
            rows[-1].append(box)
        else:
            rows.append([box])
    return rows


def _shape(sides: tuple[int, ...]) -> str:
    """Return the shape of one example's output; several windows of a track are named."""
    first, *rest = sides
    inner = " x ".join(map(str, rest))
    if first == 1:
        return inner if len(rest) != 2 else f"{rest[0]} steps x {rest[1]}"
    return f"{first} windows, each {inner}"


def _name(layer: nn.Module) -> str:
    match layer:
        case nn.Conv2d():
            return "convolution " + " x ".join(map(str, layer.kernel_size))
        case nn.LSTM():
            kind = "bidirectional LSTM" if layer.bidirectional else "LSTM"
            return kind if layer.num_layers == 1 else f"{kind}, {layer.num_layers} layers"
        case ImageInput():
            return "image" if layer.inputs == "grey" else "image, every band standardised"
    kind = type(layer).__name__
    return _NAMES.get(kind, kind)


def _blocks(module: nn.Module) -> dict[nn.Module, nn.Module]:
    """Return the block of every layer that is in one: a residual block, or a sequence."""
    found: dict[nn.Module, nn.Module] = {}
    for part in module.modules():
        children = list(part.children())
        is_sequence = (
            isinstance(part, nn.Sequential)
            and not any(list(child.children()) for child in children)
            and any(isinstance(child, nn.Conv2d) for child in children)
        )
        if is_sequence or _is_residual(part):
            for layer in part.modules():
                # The outer one of two nested blocks.
                found.setdefault(layer, part)
    return found


class _Recorder:
    """Puts the layers of a net into boxes, in the order of execution."""

    def __init__(self, module: nn.Module) -> None:
        self.boxes: list[_Box] = []
        self.block_of = _blocks(module)
        self.block: nn.Module | None = None
        self.waiting: list[nn.Module] = []

    def __call__(self, layer: nn.Module, _: tuple[Any, ...], output: Any) -> None:
        block = self.block_of.get(layer)
        if block is None and isinstance(layer, _PRECEDING):
            self.waiting.append(layer)
            return
        is_first = block is not self.block if block else not isinstance(layer, _FOLLOWING)
        if is_first or not self.boxes:
            self.boxes.append(self._new_box(layer, block))
        self.block = block
        box = self.boxes[-1]
        box.layers.append(layer)
        # A recurrent layer also returns its state.
        box.output = tuple((output[0] if isinstance(output, tuple) else output).shape)
        box.weights += sum(weights.numel() for weights in layer.parameters())

    def _new_box(self, layer: nn.Module, block: nn.Module | None) -> _Box:
        box = _Box(_name(layer), self.waiting)
        self.waiting = []
        box.is_input = isinstance(layer, ImageInput | FeatureScaler)
        if block is not None:
            box.has_shortcut = _is_residual(block)
            box.title = "residual block" if box.has_shortcut else "convolutional block"
        return box


def _is_residual(module: nn.Module) -> bool:
    """Whether a module is one of torchvision's residual blocks."""
    return hasattr(module, "downsample")


def _boxes(module: nn.Module, X: Any, device: str) -> list[_Box]:
    """Pass the first row of the inputs through a net, and return its boxes."""
    inputs = X if isinstance(X, Mapping) else {"images": X}
    first = {name: torch.as_tensor(np.array(rows[:1])).to(device) for name, rows in inputs.items()}
    recorder = _Recorder(module)
    leaves = [layer for layer in module.modules() if not list(layer.children())]
    hooks = [leaf.register_forward_hook(recorder) for leaf in leaves]
    was_training = module.training
    try:
        with torch.no_grad():
            module.eval()(**first)
    finally:
        module.train(was_training)
        for hook in hooks:
            hook.remove()
    return _merged(recorder.boxes)


def _merged(boxes: list[_Box]) -> list[_Box]:
    """Join residual blocks that follow each other with the same shape of output."""
    merged: list[_Box] = []
    for box in boxes:
        last = merged[-1] if merged else None
        if last and box.has_shortcut and last.has_shortcut and box.output == last.output:
            last.layers += box.layers
            last.weights += box.weights
            last.count += 1
        else:
            merged.append(box)
    return merged


def augmentations(
    images: np.ndarray, recipe: Recipe, augment: Mapping[str, float], *, seed: int = 0
) -> Figure:
    """Draw an image as it is, and as data augmentation changes it in training.

    Parameters
    ----------
    images : np.ndarray [shape=(n, height, width), dtype=uint8]
        Images of a store, at least two. The first is drawn; mixup mixes it with the second.
    recipe : Recipe
        Recipe of the images.
    augment : mapping of str to float
        Fields of `gtzan_lib.training.augmentation.Augmentation`, as for `NetClassifier`.
    seed : int
        Seed of the random changes.

    Returns
    -------
    Figure
        The image, then one picture for each change alone, then all of them together if
        there are several. Of sixteen random draws, the one that changes the image fourth
        most is shown.

    Raises
    ------
    ModelError
        If a name is unknown or a strength is out of range.
    """
    strengths = {name: value for name, value in augment.items() if value}
    shown = {name.replace("_", " "): {name: value} for name, value in strengths.items()}
    if len(strengths) > 1:
        shown["all together"] = strengths
    pair = torch.from_numpy(np.array(images[:2]))
    columns = 2 if len(shown) % 2 else min(3, 1 + len(shown))
    rows = -(-(1 + len(shown)) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(0.6 + 1.95 * columns, 0.4 + 1.9 * rows), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for ax in axes.flat[1 + len(shown) :]:
        ax.set_axis_off()
    spectrogram(images[0], recipe, axes.flat[0], title="not changed")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for ax, (title, settings) in zip(axes.flat[1:], shown.items(), strict=False):
            image = _changed(pair, Augmentation.from_settings(settings))
            spectrogram(image, recipe, ax, title=title)
    for ax in axes.flat:
        ax.label_outer()
    return figure


def _changed(pair: torch.Tensor, augment: Augmentation) -> np.ndarray:
    """Return the first of two images after a random change that is stronger than most."""
    labels = torch.arange(len(pair))
    draws = torch.stack([augment(pair, labels, len(pair))[0][0].float() for _ in range(_DRAWS)])
    change = (draws - pair[0].float()).abs().mean(dim=(1, 2))
    return np.asarray(draws[change.argsort()[-_DRAWS // 4]])


def training_history(estimator: NetClassifier) -> Figure:
    """Draw loss and accuracy over the epochs of a training.

    Parameters
    ----------
    estimator : NetClassifier
        Fitted.

    Returns
    -------
    Figure
        Loss above, accuracy below.
    """
    table = estimator.history_
    figure, axes = plt.subplots(2, 1, figsize=(5, 4.8), sharex=True, layout="constrained")
    for ax, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        for part, (label, color, style) in _PARTS.items():
            column = f"{part}_{quantity}"
            if column in table:
                ax.plot(table["epoch"], table[column], style, color=color, label=label, ms=3.5)
        ax.set(ylabel=quantity, ylim=(0, None))
        sns.despine(ax=ax)
    axes[0].legend(frameon=False)
    axes[1].set(xlabel="epoch", ylim=(0, 1.02))
    axes[1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return figure


def networks(nets: Mapping[str, tuple[NetClassifier, Any]], *, columns: int = 2) -> Figure:
    """Draw the layers of several nets.

    Parameters
    ----------
    nets : mapping of str to (NetClassifier, X)
        By title: a net and inputs for it, as for `network`.
    columns : int
        Diagrams beside each other.

    Returns
    -------
    Figure
        One diagram a net, as from `network`; all boxes have the same size.
    """
    columns = min(columns, len(nets))
    rows = -(-len(nets) // columns)
    figure, axes = plt.subplots(rows, columns, squeeze=False)
    for ax in axes.flat[len(nets) :]:
        ax.set_axis_off()
    for ax, (title, (net, X)) in zip(axes.flat, nets.items(), strict=False):
        network(net, X, ax)
        ax.set_title(plain_text(title), fontsize=11, loc="left")
    # Rows are as high as their longest diagram, and diagrams begin at the top.
    bottoms = [min(ax.get_ylim()[0] for ax in row[: len(nets)]) for row in axes]
    for row, bottom in zip(axes, bottoms, strict=True):
        for ax in row:
            ax.set(ylim=(bottom, 1.05))
    heights = [0.45 + 0.43 * (1.05 - bottom) for bottom in bottoms]
    axes[0, 0].get_gridspec().set_height_ratios(heights)
    figure.set_size_inches(4.4 * columns, sum(heights))
    figure.set_layout_engine("constrained")
    return figure


def seed_curves(
    histories: Mapping[str, pd.DataFrame], *, quantity: str = "accuracy", columns: int = 3
) -> Figure:
    """Draw the training of several nets, each with all its seeds.

    Parameters
    ----------
    histories : mapping of str to pd.DataFrame
        By title: one row a seed and epoch, with `seed` and the columns of
        `NetClassifier.history_`.
    quantity : {"accuracy", "loss"}
        What is drawn.
    columns : int
        Nets beside each other.

    Returns
    -------
    Figure
        One panel a net; in it one line a seed for the training and the validation part.
    """
    columns = min(columns, len(histories))
    rows = -(-len(histories) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(0.8 + 2.4 * columns, 0.7 + 1.9 * rows), sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for ax in axes.flat[len(histories) :]:
        ax.set_axis_off()
    for ax, (title, table) in zip(axes.flat, histories.items(), strict=False):
        for part, (label, color, style) in _PARTS.items():
            for number, (_, rows_of_seed) in enumerate(table.groupby("seed")):
                ax.plot(
                    rows_of_seed["epoch"], rows_of_seed[f"{part}_{quantity}"], style.strip("os"),
                    color=color, lw=1.1, alpha=0.75, label=None if number else label,
                )  # fmt: skip
        ax.set_title(plain_text(title), fontsize=10)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        sns.despine(ax=ax)
    axes[0, 0].set_ylim(0, 1.02 if quantity == "accuracy" else None)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    figure.supxlabel("epoch", fontsize=10)
    figure.supylabel(quantity, fontsize=10)
    return figure
