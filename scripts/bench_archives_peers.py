# /// script
# requires-python = ">=3.10"
# dependencies = [
#   "numpy", "onnx>=1.17", "onnxruntime", "opensmile==2.6.0", "scikit-learn", "soundfile", "soxr",
# ]
# ///
"""Be a peer in bench_archives.py: work on the files named on standard input, one after the other.

The peers are measured, never depended on: openSMILE's licence allows research only. Neither of
them finds speech: each takes a recording as it is, which is the least that such a loop does.

- ``eGeMAPS + SVM``: functionals of the whole file by openSMILE, a linear support vector machine
  over eight classes. It is fitted to noise, for its answers are not looked at.
- ``Whisper-base``: log-mel spectrogram and all six layers of the encoder for each 30 s, padded with
  silence as Whisper does it, averaged over time; 32-bit floats in onnxruntime. The weights are
  random numbers in the shapes of the real ones: they change nothing about the time.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE_HZ = 16_000


def main() -> None:
    """Get ready, then work."""
    work = {"eGeMAPS + SVM": egemaps, "Whisper-base": whisper}[sys.argv[1]]()
    print(json.dumps({"cpu_s": time.process_time()}), flush=True)
    for line in sys.stdin:
        begin_s = time.process_time()
        n_results = work(line.rstrip("\n"))
        spent_s = time.process_time() - begin_s
        print(json.dumps({"cpu_s": spent_s, "n_results": n_results}), flush=True)


def at_16_khz(path: str) -> NDArray[np.float32]:
    """Mean of a recording's channels at 16 kHz, float32."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono: NDArray[np.float32] = samples.mean(axis=1)
    if rate == RATE_HZ:
        return mono
    import soxr

    resampled: NDArray[np.float32] = soxr.resample(mono, rate, RATE_HZ)
    return resampled


def egemaps() -> Callable[[str], int]:
    """Functionals of a whole recording, and a linear support vector machine."""
    import opensmile
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.Functionals,
        num_workers=1,
    )
    rng = np.random.default_rng(0)
    machine = make_pipeline(StandardScaler(), LinearSVC())
    machine.fit(rng.standard_normal((800, smile.num_features)), rng.integers(0, 8, 800))

    def work(path: str) -> int:
        values = smile.process_signal(at_16_khz(path), RATE_HZ).to_numpy()
        return len(machine.predict(values))

    work_on_noise = smile.process_signal(0.1 * rng.standard_normal(RATE_HZ), RATE_HZ)
    machine.predict(work_on_noise.to_numpy())
    return work


def whisper() -> Callable[[str], int]:
    """Mean of the encoder's last states for each 30 s of a recording."""
    import onnxruntime
    from export_encoder import N_LAYERS, N_MELS, WIDTH, build

    rng = np.random.default_rng(0)

    def of(*shape: int) -> NDArray[np.float32]:
        return (0.02 * rng.standard_normal(shape)).astype(np.float32)

    arrays = {"conv1/weight": of(WIDTH, N_MELS, 3), "conv2/weight": of(WIDTH, WIDTH, 3)}
    arrays |= {"conv1/bias": of(WIDTH), "conv2/bias": of(WIDTH)}
    linears = {
        "self_attention/linear_0": (3 * WIDTH, WIDTH),
        "self_attention/linear_1": (WIDTH, WIDTH),
        "ffn/linear_0": (4 * WIDTH, WIDTH),
        "ffn/linear_1": (WIDTH, 4 * WIDTH),
    }
    for layer in range(N_LAYERS):
        for name, shape in linears.items():
            arrays[f"layer_{layer}/{name}/weight"] = of(*shape)
            arrays[f"layer_{layer}/{name}/bias"] = of(shape[0])
        for name in ("self_attention", "ffn"):
            arrays[f"layer_{layer}/{name}/layer_norm/gamma"] = np.ones(WIDTH, np.float32)
            arrays[f"layer_{layer}/{name}/layer_norm/beta"] = np.zeros(WIDTH, np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        build(arrays, [N_LAYERS], as_integers=False).SerializeToString(), options
    )
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    filters = np.abs(rng.standard_normal((201, N_MELS))).astype(np.float32)

    def work(path: str) -> int:
        samples = at_16_khz(path)
        n_parts = max(1, -(-len(samples) // (30 * RATE_HZ)))
        padded = np.zeros(n_parts * 30 * RATE_HZ + 400, np.float32)
        padded[: len(samples)] = samples
        for part in range(n_parts):
            piece = padded[part * 30 * RATE_HZ : (part + 1) * 30 * RATE_HZ + 400]
            frames = np.lib.stride_tricks.sliding_window_view(piece, 400)[::160][:3000]
            power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
            bands = np.log10(np.maximum(power.astype(np.float32) @ filters, 1e-10))
            session.run(None, {"log_mel": (bands + 4) / 4})[0].mean(axis=0)
        return n_parts

    return work


if __name__ == "__main__":
    main()
