"""Training examples: recordings passed through the live path, cached on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ser_live
from ser_live.config import SAMPLE_RATE_HZ, Settings
from ser_live.datasets.recording import Recording, content_hash
from ser_live.emotions import EMOTIONS, State
from ser_live.events import Utterance
from ser_live.features import FEATURE_NAMES, FEATURE_SET_VERSION, FeatureStream
from ser_live.pipeline import SegmentingStage
from ser_live.sources import read_recording
from ser_live.training.augmentation import PLAIN, vary

_LIVE_PATH = (
    "audio.py",
    "config.py",
    "pipeline.py",
    "segmenter.py",
    "vad.py",
    "features",
    "sources",
)
"""Modules that decide what an example looks like; a change in any empties the cache."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows of a training table; all arrays have one entry a row.

    One row is one utterance, or the beginning of one as a partial result sees it.
    """

    X: NDArray[np.float64]
    """Features, shape (n_rows, n_features), NaN where undefined."""
    y: NDArray[np.int64]
    """Index into ``EMOTIONS``."""
    speakers: NDArray[np.str_]
    clips: NDArray[np.int64]
    """Index of the recording."""
    variants: NDArray[np.str_]
    """How the recording was varied, see ``augmentation.VARIANTS``."""
    is_final: NDArray[np.bool_]
    """Whole utterances; the others are beginnings."""
    speech_s: NDArray[np.float64]
    """Speech heard, in seconds."""

    def __len__(self) -> int:
        return len(self.y)

    def where(self, mask: NDArray[np.bool_]) -> Examples:
        """The rows chosen by `mask`."""
        return Examples(**{f.name: getattr(self, f.name)[mask] for f in fields(self)})


def make_examples(
    recordings: Sequence[Recording],
    variants: Sequence[str] = (PLAIN,),
    *,
    settings: Settings | None = None,
    n_jobs: int = 1,
    cache_dir: Path | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> Examples:
    """Examples of recordings in all variants, in the order of both.

    Parameters
    ----------
    recordings : sequence of Recording
    variants : sequence of str
    settings : Settings or None
        Voice activity and segmenting; None for the defaults.
    n_jobs : int
        Processes.
    cache_dir : Path or None
        Where results are kept; None keeps none. Entries are found by the content of
        the recording, the variant, the settings, the feature-set version and the
        code of the live path, never by name or date.
    on_progress : callable
        Called after each recording and variant.

    Raises
    ------
    AudioFileError
        A recording cannot be read.
    """
    from joblib import Memory, Parallel, delayed

    settings = settings or Settings()
    # A closure cannot be cached; what decides the result goes in as arguments.
    cached = Memory(cache_dir, verbose=0).cache(_rows_of, ignore=["path", "settings"])
    key = f"{FEATURE_SET_VERSION} {code_hash()} {settings.vad} {settings.segmenter}"
    tasks = [(index, variant) for variant in variants for index in range(len(recordings))]
    results = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(cached)(
            content_hash(recordings[index].path), variant, key, recordings[index].path, settings
        )
        for index, variant in tasks
    )
    columns: dict[str, list[Any]] = {f.name: [] for f in fields(Examples)}
    for (index, variant), rows in zip(tasks, results, strict=True):
        on_progress()
        for values, is_final, speech_s in rows:
            columns["X"].append(values)
            columns["y"].append(EMOTIONS.index(recordings[index].emotion))
            columns["speakers"].append(recordings[index].speaker)
            columns["clips"].append(index)
            columns["variants"].append(variant)
            columns["is_final"].append(is_final)
            columns["speech_s"].append(speech_s)
    return Examples(
        X=np.array(columns["X"], dtype=np.float64).reshape(-1, len(FEATURE_NAMES)),
        y=np.array(columns["y"], dtype=np.int64),
        speakers=np.array(columns["speakers"], dtype=np.str_),
        clips=np.array(columns["clips"], dtype=np.int64),
        variants=np.array(columns["variants"], dtype=np.str_),
        is_final=np.array(columns["is_final"], dtype=np.bool_),
        speech_s=np.array(columns["speech_s"], dtype=np.float64),
    )


Row = tuple[NDArray[np.float64], bool, float]


def rows_of_samples(samples: NDArray[np.float32], settings: Settings) -> list[Row]:
    """Features, finality and speech seconds of every utterance and its beginnings.

    Parameters
    ----------
    samples : float32 array, shape (n,)
        Mono, 16 kHz; heard as a stream of its own.
    settings : Settings

    Returns
    -------
    list of (features, is_final, speech_s)
        Only what the segmenter accepts; empty where it finds no utterance.
    """
    stage = SegmentingStage(settings, sample_rate=SAMPLE_RATE_HZ, n_channels=1)
    rows: list[Row] = []
    stream, stream_id, n_pushed = FeatureStream(), -1, 0
    for event in [*stage.push(samples[:, None]), *stage.flush()]:
        if not isinstance(event, Utterance) or event.state is not State.OK:
            continue
        # As in the live path: a partial and its final share what was already analyzed.
        if event.id != stream_id:
            stream, stream_id, n_pushed = FeatureStream(), event.id, 0
        stream.push(event.samples[n_pushed:])
        n_pushed = max(n_pushed, len(event.samples))
        values = stream.features(len(event.samples)).values
        rows.append((values, event.kind == "final", event.speech_s))
    return rows


def _rows_of(content: str, variant: str, key: str, path: Path, settings: Settings) -> list[Row]:
    """Cached by `content`, `variant` and `key`, which say everything that counts."""
    return rows_of_samples(vary(read_recording(path), variant, content), settings)


@cache
def code_hash() -> str:
    """Hash of the source of every module that decides what an example looks like."""
    digest = hashlib.sha256()
    package = Path(ser_live.__file__).parent
    for name in _LIVE_PATH:
        entry = package / name
        for path in sorted(entry.rglob("*.py")) if entry.is_dir() else [entry]:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
