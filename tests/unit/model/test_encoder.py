"""The learned encoder: its spectrogram, its graph, its pooling."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from places import GOLDEN, ROOT
from speechlike import speechlike
from whisper_reference import WIDTH, whisper_encoder

from ser_live.errors import InvalidAudioError, ModelError
from ser_live.model.encoder import (
    N_MELS,
    TARGET_LEVEL_DB,
    SpeechEncoder,
    at_level,
    log_mel,
    pool,
    speech_level_db,
)

RATE = 16_000


def _noise(n_samples: int, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(n_samples)).astype(np.float32)


# -- level ---------------------------------------------------------------------------------


def test_a_full_scale_sine_has_half_the_power_of_a_square_wave() -> None:
    """Its level is -3.01 dB, and pauses around it do not lower that."""
    sine = np.sin(2 * np.pi * 200.0 * np.arange(9600) / RATE)
    pause = np.zeros(2400)
    assert speech_level_db(sine) == pytest.approx(-3.0103, abs=1e-3)
    assert speech_level_db(np.concatenate([pause, sine])) == pytest.approx(-3.0103, abs=1e-3)


@given(gain_db=st.floats(-60.0, 20.0))
def test_gain_is_taken_out(gain_db: float) -> None:
    """Whatever the gain, the same samples at -23 dB come out."""
    samples = _noise(4800)
    scaled = at_level(samples * np.float32(10 ** (gain_db / 20)))
    np.testing.assert_allclose(scaled, at_level(samples), rtol=1e-4, atol=1e-7)
    assert speech_level_db(scaled) == pytest.approx(TARGET_LEVEL_DB, abs=1e-3)


def test_silence_has_no_level_to_bring_anywhere() -> None:
    """Digital silence is -inf and stays silent; no samples at all are NaN."""
    assert speech_level_db(np.zeros(960)) == -np.inf
    assert not at_level(np.zeros(960)).any()
    assert np.isnan(speech_level_db(np.zeros(0)))
    assert len(at_level(np.zeros(0))) == 0


# -- spectrogram ---------------------------------------------------------------------------


def test_log_mel_is_whispers_definition_without_padding() -> None:
    """The spectrogram equals librosa's uncentred mel power under Whisper's compression."""
    librosa = pytest.importorskip("librosa")
    samples = _noise(8000)
    power = librosa.feature.melspectrogram(
        y=samples.astype(np.float64),
        sr=RATE,
        n_fft=400,
        hop_length=160,
        window="hann",
        center=False,
        power=2.0,
        n_mels=80,
        fmin=0.0,
        fmax=8000.0,
        htk=False,
        norm="slaney",
    )
    expected = np.log10(np.maximum(power, 1e-10))
    expected = (np.maximum(expected, expected.max() - 8.0) + 4.0) / 4.0
    np.testing.assert_allclose(log_mel(samples), expected.T, atol=1e-5)


def test_a_tone_is_loudest_in_its_own_band() -> None:
    """A 1 kHz sine peaks in the band whose centre, 15 mel, is nearest to 1 kHz."""
    t = np.arange(RATE) / RATE
    spectrum = log_mel(np.sin(2 * np.pi * 1000.0 * t).astype(np.float32))
    step = (15.0 + 27.0 * np.log(8.0) / np.log(6.4)) / (N_MELS + 1)
    assert set(spectrum.argmax(axis=1)) == {round(15.0 / step) - 1}


def test_gain_shifts_the_log_mel_by_its_decades() -> None:
    """20 dB more raise every unclamped value by 2 decades / 4."""
    samples = _noise(4000)
    np.testing.assert_allclose(
        log_mel(samples * np.float32(10.0)), log_mel(samples) + 0.5, atol=1e-4
    )


@given(n_samples=st.integers(0, 2000))
def test_frames_lie_wholly_inside_the_utterance(n_samples: int) -> None:
    """There are 1 + (n - 400) // 160 frames, none when shorter than a window."""
    expected = 0 if n_samples < 400 else 1 + (n_samples - 400) // 160
    assert log_mel(_noise(n_samples)).shape == (expected, N_MELS)


def test_earlier_frames_do_not_hear_later_samples() -> None:
    """Appending quieter audio leaves the frames before it as they were: no look-ahead."""
    samples = _noise(8000)
    longer = np.concatenate([samples, samples[:800] * np.float32(0.5)])
    short = log_mel(samples)
    np.testing.assert_array_equal(log_mel(longer)[: len(short)], short)


def test_silence_is_finite() -> None:
    """Digital silence gives the floor of the scale: (log10 1e-10 + 4) / 4."""
    np.testing.assert_allclose(log_mel(np.zeros(1600, np.float32)), -1.5)


def test_nan_is_refused() -> None:
    """NaN samples are an error, not a NaN embedding."""
    samples = _noise(1600)
    samples[3] = np.nan
    with pytest.raises(InvalidAudioError, match="nan at sample 3"):
        log_mel(samples)


# -- pooling -------------------------------------------------------------------------------


def test_pool_is_mean_then_std_layer_by_layer() -> None:
    """Two layers, two steps, known mean and population deviation."""
    states = np.array([[[1.0], [3.0]], [[5.0], [5.0]]], np.float32)
    np.testing.assert_allclose(pool(states), [2.0, 1.0, 5.0, 0.0])


def test_nothing_pools_to_nan() -> None:
    """Without a step the embedding is undefined."""
    assert np.isnan(pool(np.empty((2, 0, WIDTH), np.float32))).all()


# -- graph ---------------------------------------------------------------------------------


def _exporter() -> ModuleType:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    spec = importlib.util.spec_from_file_location(
        "export_encoder", ROOT / "scripts" / "export_encoder.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _random_arrays(n_layers: int) -> dict[str, NDArray[np.float32]]:
    """Weights of the encoder's shapes, drawn so that every layer changes its input."""
    rng = np.random.default_rng(7)
    shapes: dict[str, tuple[int, ...]] = {
        "conv1/weight": (WIDTH, N_MELS, 3),
        "conv2/weight": (WIDTH, WIDTH, 3),
        "conv1/bias": (WIDTH,),
        "conv2/bias": (WIDTH,),
    }
    for layer in range(n_layers):
        for block, wide in (("self_attention", 3 * WIDTH), ("ffn", 4 * WIDTH)):
            prefix = f"layer_{layer}/{block}"
            narrow = WIDTH if block == "self_attention" else 4 * WIDTH
            shapes[f"{prefix}/layer_norm/gamma"] = (WIDTH,)
            shapes[f"{prefix}/layer_norm/beta"] = (WIDTH,)
            shapes[f"{prefix}/linear_0/weight"] = (wide, WIDTH)
            shapes[f"{prefix}/linear_0/bias"] = (wide,)
            shapes[f"{prefix}/linear_1/weight"] = (WIDTH, narrow)
            shapes[f"{prefix}/linear_1/bias"] = (WIDTH,)
    arrays = {}
    for name, shape in shapes.items():
        values = rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        if name.endswith("gamma"):
            values = 1.0 + 0.1 * rng.standard_normal(shape)
        arrays[name] = values.astype(np.float32)
    return arrays


@pytest.mark.parametrize("n_samples", [400, 720, 15_999])
def test_float_graph_equals_torch(n_samples: int) -> None:
    """Every hidden state of the float graph is within 1e-4 of torch's, at odd lengths too."""
    pytest.importorskip("torch")
    exporter = _exporter()
    arrays = _random_arrays(2)
    samples = _noise(n_samples)
    expected = whisper_encoder(arrays, log_mel(at_level(samples)), 2)
    model = exporter.build(arrays, [0, 1, 2], as_integers=False)
    found = SpeechEncoder(model.SerializeToString()).states(samples)
    np.testing.assert_allclose(found, np.stack(expected), atol=1e-4)


def test_integer_graph_keeps_the_embedding() -> None:
    """8-bit matrices turn the pooled embedding of each layer by less than cosine 0.999."""
    exporter = _exporter()
    arrays = _random_arrays(2)
    samples = _noise(16_000)
    exact, coarse = (
        SpeechEncoder(exporter.build(arrays, [1, 2], as_integers=i).SerializeToString())
        for i in (False, True)
    )
    a, b = (encoder.embed(samples).reshape(2, -1) for encoder in (exact, coarse))
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert coarse.layers == (1, 2)
    assert coarse.n_values == b.size
    assert (cosine > 0.999).all()


def test_a_short_sound_has_an_undefined_embedding() -> None:
    """Below 25 ms the embedding is NaN, of full length."""
    exporter = _exporter()
    encoder = SpeechEncoder(exporter.build(_random_arrays(1), [1]).SerializeToString())
    embedding = encoder.embed(_noise(399))
    assert embedding.shape == (encoder.n_values,)
    assert np.isnan(embedding).all()


def test_more_than_thirty_seconds_are_refused() -> None:
    """What the encoder was never trained on is an error."""
    exporter = _exporter()
    encoder = SpeechEncoder(exporter.build(_random_arrays(1), [1]).SerializeToString())
    with pytest.raises(InvalidAudioError, match="at most 30 s"):
        encoder.embed(_noise(30 * RATE + 1))


def test_a_broken_graph_is_refused() -> None:
    """Bytes that are no graph give one sentence, not onnxruntime's traceback."""
    pytest.importorskip("onnxruntime")
    with pytest.raises(ModelError, match="cannot be loaded"):
        SpeechEncoder(b"no graph")


def _graph_of(*nodes: tuple[str, str]) -> bytes:
    """A graph in which each output is one operation on the spectrogram."""
    onnx = pytest.importorskip("onnx")
    helper, as_float = onnx.helper, onnx.TensorProto.FLOAT
    square = onnx.numpy_helper.from_array(np.eye(80, dtype=np.float32), "square")
    narrow = onnx.numpy_helper.from_array(np.eye(80, 3, dtype=np.float32), "narrow")
    impossible = onnx.numpy_helper.from_array(np.array([5, 7]), "impossible")
    operations = {
        "wide": ("MatMul", ["log_mel", "square"], {}),
        "narrow": ("MatMul", ["log_mel", "narrow"], {}),
        "number": ("ReduceMean", ["log_mel"], {"keepdims": 0}),
        "impossible": ("Reshape", ["log_mel", "impossible"], {}),
    }
    chosen = [(*operations[kind], name) for name, kind in nodes]
    graph = helper.make_graph(
        [helper.make_node(kind, takes, [name], **more) for kind, takes, more, name in chosen],
        "small",
        [helper.make_tensor_value_info("log_mel", as_float, ["n", 80])],
        [helper.make_tensor_value_info(name, as_float, None) for name, _ in nodes],
        [square, narrow, impossible],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return made.SerializeToString()


def test_size_and_hash_are_those_of_the_graph(tmp_path: Path) -> None:
    """The width need not be declared; bytes and file give the same encoder."""
    graph = _graph_of(("layer_0", "wide"), ("layer_4", "wide"))
    (tmp_path / "encoder.onnx").write_bytes(graph)
    for encoder in (SpeechEncoder(graph), SpeechEncoder(tmp_path / "encoder.onnx")):
        assert (encoder.layers, encoder.width, encoder.n_values) == ((0, 4), 80, 320)
        assert encoder.sha256 == hashlib.sha256(graph).hexdigest()
        assert encoder.embed(_noise(4000)).shape == (320,)


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ([("layer_0", "wide"), ("layer_1", "narrow")], "states of one width"),
        ([("layer_0", "number")], "states of one width"),
        ([("layer_0", "impossible")], "fails on silence"),
        ([("layer_x", "wide")], "puts out layer_x"),
    ],
)
def test_a_graph_of_another_kind_is_refused(nodes: list[tuple[str, str]], reason: str) -> None:
    """Two widths, a number instead of rows, an operation that fails, a layer without number."""
    with pytest.raises(ModelError, match=reason):
        SpeechEncoder(_graph_of(*nodes))


# -- the shipped encoder -------------------------------------------------------------------


def _shipped() -> SpeechEncoder:
    pytest.importorskip("onnxruntime")
    return SpeechEncoder(ROOT / "models" / "ear" / "encoder.onnx")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_shipped_encoder_equals_whisper_in_torch(seed: int) -> None:
    """Pooled states of OpenAI's weights in torch, frozen; layer 4 suffers most from 8 bits.

    ``scripts/make_golden_encoder.py`` made the numbers; every 16th value is kept.
    """
    golden = json.loads((GOLDEN / "encoder.json").read_text())
    expected = np.array(golden["embeddings"][str(seed)])
    found = _shipped().embed(speechlike(2.0, seed).astype(np.float32))[:: golden["every"]]
    # Mean and deviation of layers 2, 3, 4: least cosine, and how far values may be off.
    limits = [(0.9998, 0.03)] * 4 + [(0.999, 0.06)] * 2
    for a, b, (cosine, off) in zip(np.split(found, 6), np.split(expected, 6), limits, strict=True):
        assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > cosine
        assert np.abs(a - b).max() < off * np.abs(b).max()


def test_the_same_audio_gives_the_same_embedding() -> None:
    """To the bit, whatever was heard before: nothing is kept between utterances."""
    encoder, fresh = _shipped(), _shipped()
    encoder.embed(_noise(30_000))
    samples = speechlike(1.3, 5).astype(np.float32)
    assert np.array_equal(encoder.embed(samples), fresh.embed(samples))


def test_nothing_is_left_in_the_home_folder(tmp_path: Path) -> None:
    """onnxruntime neither keeps an identifier nor queues usage data."""
    code = (
        "import sys\n"
        "from ser_live.model.encoder import SpeechEncoder\n"
        "SpeechEncoder(open(sys.argv[1], 'rb').read())\n"
    )
    graph = ROOT / "models" / "ear" / "encoder.onnx"
    env = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", code, str(graph)], env=env, check=True)
    assert list(tmp_path.rglob("*")) == []
