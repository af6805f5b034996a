from .minivgg import MiniVGG
from .recurrent import CRNN, TrackNet
from .registry import ARCHITECTURES, build
from .resnet import ResNet34, ResNet34Features

__all__ = [
    "ARCHITECTURES",
    "CRNN",
    "MiniVGG",
    "ResNet34",
    "ResNet34Features",
    "TrackNet",
    "build",
]
