"""MusiCNN: agreement with the original graph, spectrograms of windows, conversion."""

import subprocess
import sys
import zipfile
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from gtzan_lib.errors import ArrayError, ModelError
from gtzan_lib.files import sha256_of
from gtzan_lib.models import musicnn, musicnn_conversion
from gtzan_lib.models.musicnn import (
    KaiserResampler,
    MusiCNN,
    cut_patch,
    load_musicnn,
    log_mel,
    patch_mel,
    resample_kaiser,
)
from gtzan_lib.models.musicnn_conversion import convert_musicnn, read_weights

from .checkpoints import random_musicnn, write_checkpoint
from .musicnn_reference import KEPT, REFERENCE, sounds

WHEEL_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"


@pytest.fixture(scope="module")
def net():
    return load_musicnn()


@pytest.fixture(scope="module")
def reference():
    with np.load(REFERENCE) as file:
        return dict(file)


@pytest.fixture(scope="module")
def mel():
    return torch.from_numpy(np.stack([log_mel(y, 187) for y in sounds().values()]))


def noise(samples, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, samples).astype(np.float32)


# --- agreement with the original ------------------------------------------------


def test_tags_are_the_original_ones(reference):
    assert tuple(reference["tags"]) == MusiCNN.TAGS
    assert len(set(MusiCNN.TAGS)) == 50


def test_spectrograms_are_the_original_ones(mel, reference):
    np.testing.assert_allclose(mel[:, KEPT], reference["mel"], atol=2e-5)


def test_logits_are_the_original_ones(net, mel, reference):
    """Weights in half precision cost 0.006 at most."""
    logits = net(mel).numpy()
    np.testing.assert_allclose(logits, reference["logits"], atol=0.02)
    np.testing.assert_array_equal(logits.argmax(axis=1), reference["logits"].argmax(axis=1))


def test_layers_are_the_original_ones(net, mel, reference):
    layers = net.layers(mel)
    assert set(layers) == {"logits", "mean", "max", "penultimate"}
    np.testing.assert_allclose(layers["mean"], reference["mean"], atol=0.03)
    # Values are up to 108.
    np.testing.assert_allclose(layers["max"], reference["max"], atol=0.3)
    np.testing.assert_allclose(layers["penultimate"], reference["penultimate"], atol=0.02)


def test_reference_is_small():
    assert REFERENCE.stat().st_size < 200_000


# --- the net --------------------------------------------------------------------


def test_number_of_weights():
    """By hand: front end, middle, dense layers, and two constants a normalised value."""
    front = (7 * 38 + 7 * 67 + 2) * 204 + (128 + 64 + 32 + 3) * 51
    middle = (7 * 561 + 7 * 64 + 7 * 64 + 3) * 64
    dense = (1506 + 1) * 200 + (200 + 1) * 50
    norms = 2 * (1 + 2 * 204 + 3 * 51 + 3 * 64 + 1506 + 200)
    assert sum(w.numel() for w in MusiCNN().parameters()) == front + middle + dense + norms


def test_net_is_for_prediction(net):
    assert not net.training
    assert all(w.dtype == torch.float32 and not w.requires_grad for w in net.parameters())


def test_logits_do_not_depend_on_the_batch(net, mel):
    torch.testing.assert_close(net(mel)[3:4], net(mel[3:4]), atol=1e-5, rtol=1e-5)


def test_gradients_reach_the_input(mel):
    """For saliency, and for training further."""
    image = mel[:2].clone().requires_grad_()
    load_musicnn()(image).sum().backward()
    assert image.grad.abs().amax(dim=(1, 2)).min() > 0


@pytest.mark.parametrize("shape", [(187, 96), (1, 96, 187), (2, 186, 96), (1, 1, 187, 96), (2,)])
def test_other_shapes_are_refused(net, shape):
    with pytest.raises(ModelError, match=r"takes spectrograms of 187 frames .*\(.*; compute") as e:
        net(torch.zeros(shape))
    assert "\n" not in str(e.value)


def test_loading_leaves_the_global_random_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    load_musicnn()
    assert torch.equal(torch.rand(1), expected)


def test_import_is_light():
    code = (
        "import sys, gtzan_lib.models.musicnn as m; m.patch_mel(m.cut_patch(m.np.ones(9), 0)); "
        "m.resample_kaiser(m.np.ones(9), 22051); "
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert "torch" in loaded.split()
    assert set(loaded.split()) & {"tensorflow", "librosa", "pandas", "sklearn", "skorch"} == set()


# --- spectrograms ----------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:n_fft=512 is too large")
@pytest.mark.parametrize("samples", [1, 255, 256, 511, 512, 16000, 48000, 48128])
def test_spectrogram_equals_librosas(samples):
    y = noise(samples)
    mel = librosa.feature.melspectrogram(y=y, sr=16000, n_fft=512, hop_length=256, n_mels=96)
    result = log_mel(y)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, np.log10(1 + 10000 * mel.T), atol=2e-5)


def test_loud_sound_does_not_overflow():
    assert 6 < log_mel(np.sin(np.arange(16000) * 0.4)).max() < 10


@settings(max_examples=30)
@given(samples=st.integers(1, 150_000), frame=st.integers(0, 500))
def test_frames_of_a_window_are_those_of_the_whole_sound(samples, frame):
    """Also before the end of the sound, where zeros follow it."""
    y = noise(samples, seed=samples)
    whole = log_mel(y, 700)
    np.testing.assert_allclose(
        patch_mel(cut_patch(y, 256 * frame)), whole[frame : frame + 187], atol=1e-5
    )


def test_patch_covers_these_samples():
    """From 256 before its start to 186 hops and 256 after it; the window is zero at its edge."""
    y = np.zeros(100_000, dtype=np.float32)
    y[20_000 - 256 : 20_000 + 186 * 256 + 256] = 1
    covered = patch_mel(cut_patch(y, 20_000))
    assert MusiCNN.PATCH_SAMPLES == 186 * 256 + 512
    np.testing.assert_array_equal(covered, patch_mel(np.ones(MusiCNN.PATCH_SAMPLES)))


@given(samples=st.integers(1, 60_000), start=st.integers(-60_000, 60_000))
def test_cut_patch_by_hand(samples, start):
    y = np.arange(1, samples + 1)
    index = np.arange(start - 256, start - 256 + 48_128)
    expected = np.where((index >= 0) & (index < samples), index + 1, 0)
    np.testing.assert_array_equal(cut_patch(y, start), expected)


@given(samples=st.integers(1, 3000), n_frames=st.integers(1, 20))
def test_number_of_frames(samples, n_frames):
    y = noise(samples)
    assert len(log_mel(y)) == 1 + samples // 256
    mel = log_mel(y, n_frames)
    padded = np.concatenate([y, np.zeros(n_frames * 256, dtype=np.float32)])
    np.testing.assert_allclose(mel, log_mel(padded)[:n_frames], atol=1e-5)


def test_unsuitable_sound_is_refused():
    with pytest.raises(ArrayError, match=r"has the shape \(2, 9\); give one channel"):
        log_mel(np.zeros((2, 9)))
    with pytest.raises(ArrayError, match="give one channel of samples"):
        log_mel(np.zeros(0))
    with pytest.raises(ArrayError, match="has 511 samples; with context it has at least 512"):
        log_mel(np.zeros(511), context=True)
    with pytest.raises(ArrayError, match=r"shape \(48000,\); give 48128 samples, of which 256"):
        patch_mel(np.zeros(48_000))


# --- conversion -------------------------------------------------------------------


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """A folder like that of the unpacked wheel, with random weights."""
    folder = tmp_path_factory.mktemp("unpacked")
    (folder / "musicnn" / "MSD_musicnn").mkdir(parents=True)
    (folder / "musicnn-0.1.0.dist-info").mkdir()
    (folder / "musicnn-0.1.0.dist-info" / "LICENSE.md").write_text("Use it.\n")
    write_checkpoint(f"{folder}/musicnn/MSD_musicnn/", random_musicnn())
    return folder


@pytest.fixture(scope="module")
def converted(unpacked, tmp_path_factory):
    """The wheel of that folder, and what is made of it."""
    wheel = tmp_path_factory.mktemp("wheel") / "musicnn-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in sorted(unpacked.rglob("*")):
            archive.write(path, path.relative_to(unpacked))
    return wheel, convert_musicnn(wheel, wheel.parent / "weights")


def test_converted_weights_fill_the_net(converted, mel, monkeypatch):
    monkeypatch.setattr(musicnn, "WEIGHTS", converted[1])
    net = load_musicnn()
    assert torch.isfinite(net(mel)).all()
    variables = random_musicnn()
    kernels = {
        "conv2d_1": (net.front[1].conv.weight[:, 0], (2, 0, 1)),
        "conv2d_5": (net.middle[0].conv.weight, (2, 1, 0)),
        "dense_1": (net.output.weight, (1, 0)),
    }
    for name, (weights, axes) in kernels.items():
        kernel = variables[f"{name}/kernel"]
        kernel = kernel.squeeze(axis=2) if kernel.ndim == 4 else kernel
        np.testing.assert_allclose(weights, kernel.transpose(axes), atol=2e-4)
    for name, norm in {"_2": net.front[1].norm, "_9": net.pooled_norm, "": net.norm}.items():
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        values = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
        for part, value in zip(parts, values, strict=True):
            np.testing.assert_array_equal(value, variables[f"batch_normalization{name}/{part}"])


def test_precision_of_the_file(converted):
    for path in (converted[1], musicnn.WEIGHTS):
        for name, values in load_file(path).items():
            assert values.dtype == (np.float32 if "norm" in name else np.float16)
            assert np.isfinite(values).all()


def test_licence_and_notice_are_beside_the_weights(converted):
    wheel, weights = converted
    assert (weights.parent / "LICENSE").read_text() == "Use it.\n"
    notice = (weights.parent / "NOTICE").read_text()
    assert sha256_of(wheel) in notice
    assert sha256_of(weights) in notice


def test_shipped_notice_names_wheel_and_weights():
    folder = musicnn.WEIGHTS.parent
    notice = (folder / "NOTICE").read_text()
    assert WHEEL_SHA256 in notice
    assert sha256_of(musicnn.WEIGHTS) in notice
    assert "ISC" in notice
    assert "Permission to use, copy, modify" in (folder / "LICENSE").read_text()
    makefile = Path(__file__).parents[2] / "Makefile"
    assert f"musicnn==0.1.0 --hash=sha256:{WHEEL_SHA256}" in makefile.read_text()


def test_folder_and_wheel_give_the_same_weights(unpacked, converted, tmp_path):
    assert convert_musicnn(unpacked, tmp_path).read_bytes() == converted[1].read_bytes()


def test_read_weights_have_single_precision(unpacked):
    weights = read_weights(f"{unpacked}/musicnn/MSD_musicnn/")
    assert {values.dtype for values in weights.values()} == {np.dtype(np.float32)}
    expected = {name for name in MusiCNN().state_dict() if "num_batches" not in name}
    assert weights.keys() == expected


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("conv2d/kernel", np.zeros((7, 40, 1, 204), np.float32), "kernel has the shape"),
        ("conv2d_6/kernel", np.zeros((7, 64), np.float32), "conv2d_6/kernel has the shape"),
        ("dense/kernel", np.zeros(1506, np.float32), "dense/kernel has the shape"),
        ("dense_1/bias", np.zeros(50), "dense_1/bias has the shape"),
        ("dense_1/bias", None, "has no variable 'dense_1/bias'"),
    ],
)
def test_checkpoint_of_another_net_is_refused(tmp_path, name, values, message):
    variables = {**random_musicnn(), name: values}
    variables = {key: value for key, value in variables.items() if value is not None}
    write_checkpoint(tmp_path / "model", variables)
    with pytest.raises(ModelError, match=message) as error:
        read_weights(tmp_path / "model")
    assert "\n" not in str(error.value)


def test_what_is_no_package_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"has no musicnn-0\.1\.0\.dist-info/LICENSE\.md; give"):
        convert_musicnn(tmp_path, tmp_path)
    (tmp_path / "a.whl").write_text("no archive")
    for name in ("a.whl", "b.whl"):
        with pytest.raises(ModelError, match="is missing or not a wheel; run `pip download"):
            convert_musicnn(tmp_path / name, tmp_path)
    with zipfile.ZipFile(tmp_path / "c.whl", "w") as archive:
        archive.writestr("other/__init__.py", "")
    with pytest.raises(ModelError, match="give the wheel of musicnn-0"):
        convert_musicnn(tmp_path / "c.whl", tmp_path)


def test_command_prints_the_file_or_one_sentence(unpacked, tmp_path, capsys):
    assert musicnn_conversion.main([str(unpacked), str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.strip().endswith("msd_musicnn.safetensors")
    assert musicnn_conversion.main([str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert musicnn_conversion.main([]) == 1
    assert capsys.readouterr().out.startswith("usage: ")


@pytest.mark.parametrize("damage", ["missing", "cut", "shape", "names"])
def test_damaged_weights_are_refused(tmp_path, monkeypatch, damage):
    path = tmp_path / "msd_musicnn.safetensors"
    weights = load_file(musicnn.WEIGHTS)
    if damage == "cut":
        path.write_bytes(musicnn.WEIGHTS.read_bytes()[:-9])
    elif damage == "shape":
        save_file({**weights, "output.bias": np.zeros(40, np.float16)}, path)
    elif damage == "names":
        save_file({name: w for name, w in weights.items() if name != "norm.bias"}, path)
    monkeypatch.setattr(musicnn, "WEIGHTS", path)
    with pytest.raises(ModelError, match="is missing or damaged; install gtzan-lib again") as error:
        load_musicnn()
    assert "\n" not in str(error.value)


# --- sample rates -----------------------------------------------------------------


def kaiser_by_hand(y, source, number):
    """One output sample: a sinc of 64 zero crossings a side under a Kaiser window."""
    ratio = min(1, 16000 / source)
    crossings = (np.arange(len(y)) - number * source / 16000) * ratio
    near = np.abs(crossings) < 64
    x = crossings[near]
    window = np.i0(14.769656459379492 * np.sqrt(1 - (x / 64) ** 2)) / np.i0(14.769656459379492)
    return ratio * (y[near] * 0.9475937167399596 * np.sinc(0.9475937167399596 * x) * window).sum()


@pytest.mark.parametrize("source", [8000, 11025, 22050, 32000, 44100, 48000, 96000])
def test_resampled_samples_by_hand(source):
    y = noise(source // 4 + 77)
    result = resample_kaiser(y, source)
    assert result.dtype == np.float32
    assert len(result) == -(-len(y) * 16000 // source)
    for number in (0, 1, 500, 2001, len(result) - 1):
        assert result[number] == pytest.approx(kaiser_by_hand(y, source, number), abs=1e-5)


@settings(max_examples=30)
@given(
    source=st.sampled_from([8000, 16000, 22050, 22051, 44100, 48000]),
    samples=st.integers(0, 20_000),
    pieces=st.integers(1, 9),
)
def test_sound_in_pieces_is_resampled_as_a_whole(source, samples, pieces):
    y = noise(samples)
    resampler = KaiserResampler(source)
    parts = [resampler.push(part) for part in np.array_split(y, pieces)]
    result = np.concatenate([*parts, resampler.finish()])
    np.testing.assert_allclose(result, resample_kaiser(y, source), atol=1e-5, strict=True)


def test_long_sound_is_filtered_in_several_turns():
    y = noise(441 * 2500)
    expected = resample_kaiser(y[441 * 1500 :], 44100)
    np.testing.assert_allclose(resample_kaiser(y, 44100)[-159_000:], expected[-159_000:], atol=1e-5)


@pytest.mark.parametrize("source", [8000, 22050, 22051, 44100])
def test_sines_keep_their_level_or_are_removed(source):
    t = np.arange(source) / source
    for hz, gain in [(100, 1), (3000, 1), (8600, 0)]:
        if hz < source / 2:
            y = np.sin(2 * np.pi * hz * t).astype(np.float32)
            expected = gain * np.sin(2 * np.pi * hz * np.arange(16000) / 16000)
            inside = slice(500, -500)
            result = resample_kaiser(y, source)[:16000]
            np.testing.assert_allclose(result[inside], expected[inside], atol=2e-3)


def test_gradients_after_predictions(net):
    """What predictions keep in the cache serves training, too."""
    x = torch.rand(1, MusiCNN.PATCH_FRAMES, MusiCNN.N_MELS)
    with torch.inference_mode():
        expected = net(x)
    y = x.clone().requires_grad_()
    logits = net(y)
    logits.sum().backward()
    assert torch.isfinite(y.grad).all()
    np.testing.assert_allclose(logits.detach().numpy(), expected.numpy(), atol=1e-4)


@pytest.mark.parametrize(("n_mels", "height", "n_frames"), [(96, 38, 7), (96, 67, 7), (10, 4, 3)])
def test_maxima_of_a_convolution(n_mels, height, n_frames):
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(40, n_mels, generator=generator)
    kernels = torch.randn(5, n_frames, height, generator=generator)
    found = musicnn._highest(image, kernels)
    maps = torch.nn.functional.conv2d(image[None, None], kernels[:, None])
    np.testing.assert_allclose(found.numpy(), maps.amax(dim=3)[0].numpy(), atol=1e-3)
