"""Recordings through segmenter and inputs as a live session hears them, whole utterances only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_live.config import Settings
from ser_live.datasets.recording import content_hash
from ser_live.encoder import SpeechEncoder
from ser_live.events import Utterance
from ser_live.features import FEATURE_SET_VERSION, extract
from ser_live.fitted import Fitted
from ser_live.inputs import join
from ser_live.training.examples import code_hash, utterances_of
from ser_live.vad import is_confirming

FloatArray = NDArray[np.float64]
Samples = NDArray[np.float32]


def whole_utterances(samples: Samples, settings: Settings) -> list[Utterance]:
    """What the segmenter accepts of a recording heard as a stream of its own.

    Parameters
    ----------
    samples : float32 array, shape (n,)
        Mono, 16 kHz.
    settings : Settings
    """
    return [
        utterance for utterance in utterances_of(samples, settings) if utterance.kind == "final"
    ]


def inputs_of(samples: Samples, encoder_path: Path | None) -> FloatArray:
    """Input vector of one utterance, shape (2538,) without encoder, else (4587,)."""
    encoder = None if encoder_path is None else _encoder(encoder_path)
    return join(extract(samples).values, samples, encoder)


def seen_by(fitted: Fitted, inputs: Sequence[NDArray[np.float32]]) -> FloatArray:
    """Inputs as a table, cut to what the model sees.

    A model without the encoder sees the beginning of what one with it sees, so what was
    heard for the one serves the other.
    """
    return np.stack(inputs).astype(np.float64)[:, : len(fitted.feature_scale)]


def live_path_key(settings: Settings, encoder_path: Path | None) -> str:
    """Identity of everything that decides about inputs, for caches."""
    learned = ""
    if encoder_path is not None:
        learned = f"{content_hash(encoder_path)} {code_hash(('encoder.py',))}"
    return (
        f"{FEATURE_SET_VERSION} {code_hash()} {settings.vad} {settings.segmenter} "
        f"{is_confirming(settings.vad)} {learned}"
    )


@cache
def _encoder(path: Path) -> SpeechEncoder:
    """Loaded once a process: workers of a pool cannot be handed a session."""
    return SpeechEncoder(path)
