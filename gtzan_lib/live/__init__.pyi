from .microphone import Microphone, Recording, devices, record
from .simulation import (
    NoisyRoom,
    denoising_gains,
    recording_from_file,
    simulate_recording,
)
from .streaming import StreamClassifier, StreamPrediction, listen
from .takes import Take, load_take, save_take

__all__ = [
    "Microphone",
    "NoisyRoom",
    "Recording",
    "StreamClassifier",
    "StreamPrediction",
    "Take",
    "denoising_gains",
    "devices",
    "listen",
    "load_take",
    "record",
    "recording_from_file",
    "save_take",
    "simulate_recording",
]
