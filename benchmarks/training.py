"""Training on images of 128 x 128, and the original project's loop over a folder of PNG files."""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import gtzan_lib as gl
from gtzan_lib.models.registry import build
from gtzan_lib.models.torchvision_models import models
from gtzan_lib.training.dataset import ArrayDataset

NETS = {"resnet34": {}, "minivgg": {}, "pooled minivgg": {"head": "pool"}}
IMAGES, BATCH, ROUNDS, SIZE = 128, 32, 3, 128


def measure():
    models()  # makes torchvision importable without its compiled operators
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import Compose, Grayscale, ToTensor

    images, genres = _images()
    with tempfile.TemporaryDirectory() as folder:
        _write_png(Path(folder), images, genres)
        png_images = ImageFolder(folder, Compose([Grayscale(), ToTensor()]))
        for label, arguments in NETS.items():
            name = label.split()[-1]
            plain, ours, steps = [], [], []
            # Alternating, so that a slow machine slows both.
            for number in range(ROUNDS + 1):
                seconds = _plain(name, arguments, png_images)
                net = gl.NetClassifier(name, arguments=arguments, epochs=1, batch_size=BATCH)
                net.fit(images, genres)
                if number:
                    plain.append(seconds)
                    ours.append(net.seconds_)
                    steps.append(_steps(net, images))
            ratio = statistics.median(a / b for a, b in zip(plain, ours, strict=True))
            speed = IMAGES / statistics.median(ours)
            yield f"{label}: the plain loop's time divided by ours", f"{ratio:.2f}"
            # What a loop would reach that costs nothing beside its steps.
            limit = statistics.median(a / b for a, b in zip(plain, steps, strict=True))
            yield f"{label}: the plain loop's time divided by our steps alone", f"{limit:.2f}"
            yield f"{label}: ours", f"{speed:.0f} images per second"
            yield f"{label}: share of the time spent on input", _share(images, ours)
            if torch.cuda.is_available():
                flops = 3 * 2 * _multiplications(name, arguments)
                yield f"{label}: arithmetic", f"{speed * flops / 1e12:.2f} TFLOP/s"


def _plain(name, arguments, png_images):
    """Time one epoch of a plain PyTorch loop, including the first batch."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    net = _WithChannel(build(name, classes=10, size=SIZE, **arguments)).to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-4, weight_decay=1e-4)
    criterion = torch.nn.CrossEntropyLoss()
    loader = torch.utils.data.DataLoader(png_images, batch_size=BATCH, shuffle=True)
    start = time.perf_counter()
    net.train()
    correct = total = 0
    for inputs, labels in loader:
        inputs, labels = inputs.to(device), labels.to(device)
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
        correct += (outputs.argmax(1) == labels).sum().item()
    return time.perf_counter() - start


class _WithChannel(torch.nn.Module):
    """A network for images as from `ToTensor`: one channel, from 0 to 1."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, images):
        return self.net(images.squeeze(1) * 255)


def _steps(net, images):
    """Time the steps of an epoch alone, on a batch that is ready."""
    batch = torch.from_numpy(images[:BATCH]), torch.arange(BATCH) % 10
    start = time.perf_counter()
    for _ in range(IMAGES // BATCH):
        net.net_.train_step(batch)
    return time.perf_counter() - start


def _share(images, ours):
    start = time.perf_counter()
    order = np.random.default_rng(0).permutation(len(images))
    dataset = ArrayDataset(images)
    for first in range(0, len(images), BATCH):
        dataset.__getitems__(order[first : first + BATCH])
    return f"{(time.perf_counter() - start) / statistics.median(ours):.2%}"


def _multiplications(name, arguments):
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        build(name, classes=10, size=SIZE, **arguments).eval()(
            torch.zeros(1, SIZE, SIZE, dtype=torch.uint8)
        )
    return counter.get_total_flops() / 2


def _images():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (IMAGES, SIZE, SIZE), dtype=np.uint8)
    return images, np.array([f"genre{number % 10}" for number in range(IMAGES)])


def _write_png(folder, images, genres):
    from PIL import Image

    for number, (image, genre) in enumerate(zip(images, genres, strict=True)):
        (folder / genre).mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / genre / f"{number:04d}.png")
