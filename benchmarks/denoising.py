"""Denoising: median gain in SI-SDR over 100 synthetic tracks in noise at 5 dB."""

from gtzan_lib.data.opening import open_corpus
from gtzan_lib.live.simulation import denoising_gains


def measure():
    table = denoising_gains(open_corpus(), snr_db=5.0, seconds=10.0)
    for (kind, method), gains in table.groupby(["noise", "method"], sort=False)["gain_db"]:
        yield (
            f"{kind} noise, {method}",
            f"{gains.median():+.1f} dB, {(gains < 0).sum()} of {len(gains)} are worse",
        )
