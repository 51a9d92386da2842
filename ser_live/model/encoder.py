"""The learned ear: an utterance's log-mel spectrogram through the first layers of Whisper-base.

Top to bottom::

    samples (n,) 16 kHz
      -> at_level          (n,)               speech brought to -23 dBFS
      -> log_mel           (n_frames, 80)     25 ms windows every 10 ms
      -> encoder.onnx      (n_steps, width)   every 20 ms, once per layer in use
      -> mean, std         (n_layers * 2 * width,)

OpenAI's encoder (Radford et al. 2022, MIT licence) was trained on audio padded to 30 s;
here it hears the utterance alone, which costs a twentieth and serves emotion as well.
``scripts/export_encoder.py`` makes the graph. Training and live use this same code.

The level is taken out because it tells more about microphones than about voices (corpora
differ by 15 dB in their medians); a classifier that wants it gets ``speech_level_db``.

Windows are wholly inside the utterance: nothing is padded, so nothing beyond its end is
needed. Attention covers the whole utterance, so a partial result costs a new run.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_live.arrays import Float32, Float64
from ser_live.audio import check_samples
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.errors import InvalidAudioError, ModelError
from ser_live.onnx_graph import load_graph

N_MELS = 80
WINDOW_SAMPLES = 400
HOP_SAMPLES = 160
MAX_SAMPLES = 30 * SAMPLE_RATE_HZ
"""The encoder was trained on at most 30 s."""

TARGET_LEVEL_DB = -23.0
"""Mean speech power that every utterance is brought to, dB relative to a power of 1."""

STATE_WIDTH = 512
"""Dimensions of a hidden state of Whisper-base."""

_LAYER = re.compile(r"layer_[0-9]{1,4}")

_LEVEL_BLOCK = 480
_LEVEL_QUANTILE = 0.3

_DYNAMIC_RANGE = 8.0
"""Powers this many decades below the loudest of the utterance are raised to that."""


def speech_level_db(samples: NDArray[np.floating[Any]]) -> float:
    """Mean power of the utterance's louder part, dB relative to a power of 1.

    The mean over the 30 ms blocks whose mean square lies at or above the 30th percentile:
    pauses and pre-roll hardly count, and the detector's decisions are not needed. A remainder
    shorter than a block is left out, a signal shorter than one is a block by itself.
    NaN for no samples, -inf for digital silence.
    """
    n_blocks = len(samples) // _LEVEL_BLOCK
    values = samples.astype(np.float64, copy=False)
    blocks = values[: n_blocks * _LEVEL_BLOCK].reshape(n_blocks, -1) if n_blocks else values[None]
    if blocks.size == 0:
        return float("nan")
    power = np.square(blocks).mean(axis=1)
    mean = float(power[power >= np.quantile(power, _LEVEL_QUANTILE)].mean())
    return 10.0 * float(np.log10(mean)) if mean > 0.0 else float("-inf")


def at_level(samples: NDArray[np.floating[Any]]) -> Float32:
    """The samples brought to a ``speech_level_db`` of -23, float32; silence stays as it is."""
    level_db = speech_level_db(samples)
    gain = 10.0 ** ((TARGET_LEVEL_DB - level_db) / 20.0) if np.isfinite(level_db) else 1.0
    result: Float32 = (samples * gain).astype(np.float32)
    return result


def log_mel(samples: NDArray[np.floating[Any]]) -> Float32:
    """Whisper's log-mel spectrogram, without its padding.

    Power spectrum under a periodic Hann window of 400 samples, 80 mel bands (Slaney's
    scale, unit area, 0-8000 Hz), ``l = log10 max(1e-10, power)`` raised to at least 8
    below its largest value, ``(l + 4) / 4``. Whisper centres frame k at sample 160 k and
    mirrors the audio at both ends; here frame k starts there, and ends are left alone.

    Parameters
    ----------
    samples : float array, shape (n_samples,)
        16 kHz, nominal range [-1, 1].

    Returns
    -------
    float32 array, shape (1 + (n_samples - 400) // 160, 80)
        About -1.5 to 1.5; no frame when shorter than a window.
    """
    check_samples(samples)
    if len(samples) < WINDOW_SAMPLES:
        return np.empty((0, N_MELS), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(
        samples.astype(np.float64, copy=False), WINDOW_SAMPLES
    )[::HOP_SAMPLES]
    spectrum = np.fft.rfft(windows * _window(), axis=1)
    power = np.square(spectrum.real)
    power += np.square(spectrum.imag)
    bands = np.log10(np.maximum(power @ _filters(), 1e-10))
    bands = np.maximum(bands, bands.max() - _DYNAMIC_RANGE)
    result: Float32 = ((bands + 4.0) / 4.0).astype(np.float32)
    return result


def pool(states: Float32) -> Float64:
    """Mean and standard deviation over time, one layer after the other.

    Parameters
    ----------
    states : float32 array, shape (n_layers, n_steps, width)

    Returns
    -------
    float64 array, shape (n_layers * 2 * width,)
        Means of a layer, then its population standard deviations; NaN without any step.
    """
    if states.shape[1] == 0:
        return np.full(states.shape[0] * 2 * states.shape[2], np.nan)
    values = states.astype(np.float64)
    mean = values.mean(axis=1)
    values -= mean[:, np.newaxis]
    values *= values
    pooled: Float64 = np.stack([mean, np.sqrt(values.mean(axis=1))], axis=1)
    return pooled.reshape(-1)


class SpeechEncoder:
    """The first layers of the encoder, on one thread: an ``inputs.Encoder``.

    Parameters
    ----------
    model : bytes or Path
        The ONNX graph, already checked against its hash, or the file it is in. It is
        loaded here, and onnxruntime is imported here.

    Raises
    ------
    ModelError
        onnxruntime is missing, or this is not such a graph.
    """

    def __init__(self, model: bytes | Path) -> None:
        self._session: Any = load_graph(
            model, "the learned encoder", "choose the model that does without (--model classic)"
        )
        outputs = [output.name for output in self._session.get_outputs()]
        if [i.name for i in self._session.get_inputs()] != ["log_mel"] or not all(
            _LAYER.fullmatch(name) for name in outputs
        ):
            raise ModelError(
                f"the encoder's graph puts out {', '.join(outputs)}, but layers of the speech "
                "encoder are needed: make it with scripts/export_encoder.py."
            )
        self.layers = tuple(int(name.removeprefix("layer_")) for name in outputs)
        """Layers put out, 0 = after the convolutions."""
        self.width = self._found_width()
        """Dimensions of a hidden state."""
        content = model if isinstance(model, bytes) else model.read_bytes()
        self._sha256 = hashlib.sha256(content).hexdigest()

    def _found_width(self) -> int:
        """Width of the states of a silent frame: a graph need not declare it."""
        silence = np.zeros((1, N_MELS), np.float32)
        try:
            states = [np.asarray(s) for s in self._session.run(None, {"log_mel": silence})]
        except Exception as error:  # onnxruntime's errors share no base class
            raise ModelError(
                "the encoder's graph fails on silence: make it with scripts/export_encoder.py."
            ) from error
        widths = {state.shape[1] if state.ndim == 2 else 0 for state in states}
        if len(widths) != 1 or 0 in widths:
            raise ModelError(
                "the encoder's graph does not give states of one width, one row a step: "
                "make it with scripts/export_encoder.py."
            )
        return widths.pop()

    @property
    def sha256(self) -> str:
        """Hash of the graph."""
        return self._sha256

    @property
    def n_values(self) -> int:
        """Length of an embedding."""
        return len(self.layers) * 2 * self.width

    def states(self, samples: NDArray[np.floating[Any]]) -> Float32:
        """Hidden states of one utterance, at any gain the same.

        Parameters
        ----------
        samples : float array, shape (n_samples,)
            16 kHz, nominal range [-1, 1], at most 30 s.

        Returns
        -------
        float32 array, shape (n_layers, n_steps, width)
            One step every 20 ms; no step when shorter than 25 ms.

        Raises
        ------
        InvalidAudioError
            NaN or infinity, more than one channel, or longer than 30 s.
        """
        if len(samples) > MAX_SAMPLES:
            raise InvalidAudioError(
                f"an utterance of {len(samples) / SAMPLE_RATE_HZ:.1f} s was given, but the encoder "
                f"hears at most {MAX_SAMPLES / SAMPLE_RATE_HZ:.0f} s: cut it with the segmenter."
            )
        spectrum = log_mel(at_level(samples))
        if len(spectrum) == 0:
            return np.empty((len(self.layers), 0, self.width), np.float32)
        outputs: list[Float32] = self._session.run(None, {"log_mel": spectrum})
        return np.stack(outputs)

    def embed(self, samples: NDArray[np.floating[Any]]) -> Float64:
        """``pool(states(samples))``: NaN when shorter than 25 ms."""
        return pool(self.states(samples))


@cache
def _window() -> Float64:
    """Periodic Hann window."""
    phase = 2.0 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES
    window: Float64 = 0.5 - 0.5 * np.cos(phase)
    return window


@cache
def _filters() -> Float64:
    """Triangular mel filters of unit area, shape (201, 80) (Slaney's Auditory Toolbox, 1998).

    Slaney's mel: linear up to 1000 Hz (15 mel), then 27 steps per factor 6.4.

    ``features.mel.mel_filters`` is the same bank to 2e-16, not to the bit: it rounds in another
    order. The weights of the encoder's classifiers are fitted to this one, so it stays.
    """
    top = 15.0 + 27.0 * np.log(SAMPLE_RATE_HZ / 2 / 1000.0) / np.log(6.4)
    mels = np.linspace(0.0, top, N_MELS + 2)
    edges_hz = np.where(
        mels < 15.0, mels * 200.0 / 3.0, 1000.0 * np.exp(np.log(6.4) * (mels - 15.0) / 27.0)
    )
    lower, centre, upper = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    bins_hz = np.fft.rfftfreq(WINDOW_SAMPLES, 1 / SAMPLE_RATE_HZ)[:, None]
    rising = (bins_hz - lower) / (centre - lower)
    falling = (upper - bins_hz) / (upper - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    filters: Float64 = triangles * 2.0 / (upper - lower)
    return filters
