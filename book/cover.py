"""Draws the picture of the landing page: `python book/cover.py`, in the project's folder.

One composed piece of music for each of the ten genres, as a log-mel spectrogram.
"""

import tempfile
from pathlib import Path

import librosa
import matplotlib.pyplot as plt
import numpy as np

from gtzan_lib.data.opening import open_corpus
from gtzan_lib.genres import GENRES
from gtzan_lib.plots.style import genre_colors
from gtzan_lib.synthetic import compose

TARGET = Path(__file__).parent / "_static" / "genres.webp"
SECONDS = 6


def log_mel(path: str) -> np.ndarray:
    """Return the log-mel spectrogram of a file: 96 bands in rows, in dB below the loudest."""
    y, rate = librosa.load(path, sr=22_050, offset=2, duration=SECONDS - 2)
    power = librosa.feature.melspectrogram(y=y, sr=rate, n_mels=96, hop_length=512)
    return librosa.power_to_db(power, ref=np.max, top_db=60)


def main() -> None:
    """Compose the pieces, draw them in two rows, and write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        tracks = open_corpus(compose(folder, artists=1, tracks=1, seconds=SECONDS, seed=4)).tracks
        files = {genre: tracks.loc[tracks["genre"] == genre, "path"].iloc[0] for genre in GENRES}
        images = {genre: log_mel(path) for genre, path in files.items()}
    figure, rows = plt.subplots(2, 5, figsize=(14, 4.6), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.05)
    colors = genre_colors(list(GENRES))
    for ax, (genre, image) in zip(rows.flat, images.items(), strict=True):
        ax.imshow(image, origin="lower", aspect="auto", cmap="magma", vmin=-60, vmax=0)
        ax.set_title(genre, fontsize=28, pad=5)
        ax.set(xticks=[], yticks=[])
        for side in ax.spines.values():
            side.set(color=colors[genre], linewidth=4)
    figure.savefig(TARGET, dpi=100, pil_kwargs={"quality": 75, "method": 6})


if __name__ == "__main__":
    main()
