"""Recordings through segmenter and inputs as a live session hears them, whole utterances only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from ser_live.arrays import Float32, Float64
from ser_live.config import Settings
from ser_live.datasets.recording import Recording, content_hash
from ser_live.events import Kind, Utterance
from ser_live.model.fitted import Fitted
from ser_live.model.inputs import whole_input
from ser_live.training.examples import input_key, loaded_encoder, utterances_of

T = TypeVar("T")


@dataclass(frozen=True)
class Hearing:
    """The live path that recordings are heard through, and where the results are kept."""

    settings: Settings
    encoder: Path | None = None
    """The learned encoder; it may also be given for a model that works without it."""
    n_jobs: int = 1
    """Processes."""
    cache_dir: Path | None = None
    """Folder of the cache; None keeps nothing."""
    on_progress: Callable[[], None] = lambda: None
    """Called after each recording."""

    def of_each(
        self, hear: Callable[..., T], recordings: Sequence[Recording], identity: str, way: object
    ) -> list[T]:
        """Results of ``hear(content, identity, key, path, way, settings, encoder)``.

        Parameters
        ----------
        hear : function
            Cached by `content`, `identity` and `key`, which stand for its other arguments.
        recordings : sequence of Recording
        identity : str
            Tells `way` apart from others.
        way : object
            Handed on to `hear`.
        """
        from joblib import Memory, Parallel, delayed

        cached = Memory(self.cache_dir, verbose=0).cache(
            hear, ignore=["path", "way", "settings", "encoder"]
        )
        key = input_key(self.settings, hear, encoder=self.encoder)
        made = Parallel(n_jobs=self.n_jobs, return_as="generator")(
            delayed(cached)(
                content_hash(recording.path),
                identity,
                key,
                recording.path,
                way,
                self.settings,
                self.encoder,
            )
            for recording in recordings
        )
        results = []
        for result in made:
            self.on_progress()
            results.append(result)
        return results


def whole_utterances(samples: Float32, settings: Settings) -> list[Utterance]:
    """Whole utterances that the segmenter accepts in a recording heard as a stream of its own.

    Parameters
    ----------
    samples : float32 array, shape (n,)
        Mono, 16 kHz.
    settings : Settings
    """
    return [
        utterance for utterance in utterances_of(samples, settings) if utterance.kind is Kind.FINAL
    ]


def inputs_of(samples: Float32, encoder_path: Path | None) -> Float64:
    """Input vector of one utterance, shape (n_inputs,)."""
    encoder = None if encoder_path is None else loaded_encoder(encoder_path)
    return whole_input(samples, encoder)


def seen_by(fitted: Fitted, inputs: Sequence[Float32]) -> Float64:
    """Inputs as a table, cut to what the model sees.

    A model without the encoder sees the beginning of what one with it sees, so what was
    heard for the one serves the other.
    """
    return np.stack(inputs).astype(np.float64)[:, : len(fitted.feature_scale)]
