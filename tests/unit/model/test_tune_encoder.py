"""Tuning the encoder: the batched torch path hears what the live path hears, and learns."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from places import ROOT
from speechlike import speechlike

from ser_live.high_pass import high_passed
from ser_live.model.encoder import N_MELS, at_level, log_mel, pool

torch = pytest.importorskip("torch", reason="the encoder is tuned in torch, which is no dependency")

WIDTH = 512


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "tune_encoder", ROOT / "scripts" / "tune_encoder.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tune_encoder"] = module  # its dataclass looks itself up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def clips() -> list[NDArray[np.float32]]:
    lengths = (1.3, 1.0, 1.52)
    return [speechlike(seconds, seed).astype(np.float32) for seed, seconds in enumerate(lengths)]


@pytest.fixture(scope="module")
def arrays() -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(7)
    shapes: dict[str, tuple[int, ...]] = {
        "conv1/weight": (WIDTH, N_MELS, 3),
        "conv2/weight": (WIDTH, WIDTH, 3),
        "conv1/bias": (WIDTH,),
        "conv2/bias": (WIDTH,),
    }
    for layer in range(4):
        for block, wide, narrow in (
            ("self_attention", 3 * WIDTH, WIDTH),
            ("ffn", 4 * WIDTH, 4 * WIDTH),
        ):
            prefix = f"layer_{layer}/{block}"
            shapes[f"{prefix}/layer_norm/gamma"] = (WIDTH,)
            shapes[f"{prefix}/layer_norm/beta"] = (WIDTH,)
            shapes[f"{prefix}/linear_0/weight"] = (wide, WIDTH)
            shapes[f"{prefix}/linear_0/bias"] = (wide,)
            shapes[f"{prefix}/linear_1/weight"] = (WIDTH, narrow)
            shapes[f"{prefix}/linear_1/bias"] = (WIDTH,)
    return {
        name: (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
        for name, shape in shapes.items()
    }


def test_a_batch_is_heard_as_each_clip_alone(
    script: ModuleType,
    clips: list[NDArray[np.float32]],
    arrays: dict[str, NDArray[np.float32]],
) -> None:
    """Spectra and pooled states of a padded batch equal those of the live path."""
    from whisper_reference import whisper_encoder

    tuning = script.Tuning(arrays, clips, "cpu")
    samples, lengths = tuning.bank[:, script.LEAD :], tuning.lengths
    spectra, n_frames = tuning.ears.spectra(samples, lengths)
    embeddings = tuning.embed(tuning.teacher, samples, lengths).numpy()
    for clip, spectrum, n, embedding in zip(clips, spectra, n_frames, embeddings, strict=True):
        alone = log_mel(at_level(high_passed(clip)))
        assert int(n) == len(alone)
        np.testing.assert_allclose(spectrum[: len(alone)].numpy(), alone, atol=2e-3)
        states = whisper_encoder(arrays, alone, max(script.LAYERS))
        np.testing.assert_allclose(embedding, pool(np.stack(states[2:])), atol=5e-3)


def test_spoiling_changes_every_clip_and_keeps_its_length(
    script: ModuleType, clips: list[NDArray[np.float32]]
) -> None:
    bank, lengths = script.as_bank(clips, torch.device("cpu"))
    spoilt = script.Spoiler(bank, seed=3).spoil(bank, lengths + script.LEAD)
    assert spoilt.shape == bank.shape
    assert bool(torch.isfinite(spoilt).all())
    again = script.Spoiler(bank, seed=3).spoil(bank, lengths + script.LEAD)
    torch.testing.assert_close(again, spoilt)
    assert not torch.allclose(script.Spoiler(bank, seed=4).spoil(bank, lengths), spoilt)


def test_two_steps_move_the_average_a_little(
    script: ModuleType,
    clips: list[NDArray[np.float32]],
    arrays: dict[str, NDArray[np.float32]],
) -> None:
    settings = script.Settings(n_steps=2, n_clips=2, n_warm_up=1)
    steps = list(script.Tuning(arrays, clips, "cpu").run(settings))
    assert [step for step, _, _ in steps] == [1, 2]
    tuned = steps[-1][2].as_arrays()
    assert tuned.keys() == arrays.keys()
    moved = max(float(np.abs(tuned[name] - arrays[name]).max()) for name in arrays)
    assert 0.0 < moved < 1e-4
