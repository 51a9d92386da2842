"""How much of an utterance must be heard: right answers by seconds since speech began."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ, Settings
from ser_live.datasets.recording import Recording, content_hash
from ser_live.emotions import LABELS
from ser_live.evaluation.folds import FoldFit
from ser_live.evaluation.judge import uar_with_interval
from ser_live.evaluation.live_path import inputs_of, seen_by, whole_utterances
from ser_live.sources import read_recording
from ser_live.training.examples import input_key

if TYPE_CHECKING:
    from rich.console import RenderableType

FloatArray = NDArray[np.float64]

SECONDS = (0.5, 1.0, 1.5, 2.0, 3.0)
"""Seconds after the first speech frame at which an utterance is cut."""


def onset_section(
    fits: Sequence[FoldFit],
    recordings: Sequence[Recording],
    *,
    settings: Settings,
    encoder_path: Path | None = None,
    every: int = 1,
    n_jobs: int = 1,
    cache_dir: Path | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """UAR on the unseen clips when only their first seconds of speech were heard.

    Parameters
    ----------
    fits : sequence of FoldFit
    recordings : sequence of Recording
    settings : Settings
    encoder_path : Path or None
        The learned encoder; a model that does without may be given it too.
    every : int
        Take every so many-th test clip.
    n_jobs, cache_dir, on_progress
        As in ``training.examples.make_examples``.
    """
    from joblib import Memory, Parallel, delayed

    clips = clips_under_test(fits, recordings, every)
    beginnings = Memory(cache_dir, verbose=0).cache(
        _beginnings, ignore=["path", "settings", "encoder_path"]
    )
    key = input_key(settings, _beginnings, encoder=encoder_path)
    made = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(beginnings)(
            content_hash(recordings[clip].path),
            SECONDS,
            key,
            recordings[clip].path,
            settings,
            encoder_path,
        )
        for clip in clips
    )
    inputs: dict[int, list[NDArray[np.float32]]] = {}
    for clip, vectors in zip(clips, made, strict=True):
        on_progress()
        inputs[int(clip)] = vectors
    probabilities = np.full((len(SECONDS), len(clips), len(LABELS)), 1.0 / len(LABELS))
    for fit in fits:
        for place, clip in enumerate(clips):
            if fit.is_test[clip] and inputs[int(clip)]:
                probabilities[:, place] = fit.fitted.predict_proba(
                    seen_by(fit.fitted, inputs[int(clip)])
                )
    y = np.array([LABELS.index(recordings[clip].emotion.value) for clip in clips])
    speakers = np.array([recordings[clip].speaker for clip in clips])
    return {
        "from": "first speech frame of the first utterance",
        "n_without_utterance": sum(not vectors for vectors in inputs.values()),
        "curve": [
            {"seconds": seconds, **uar_with_interval(y, answers, speakers)}
            for seconds, answers in zip(SECONDS, probabilities, strict=True)
        ],
    }


def onset_table(section: Mapping[str, Any]) -> RenderableType:
    """One row a length of speech, for people."""
    from rich.table import Table

    table = Table(
        title=f"only the beginnings, counted from the {section['from']}",
        box=None,
        pad_edge=False,
        title_justify="left",
    )
    for name in ("heard", "clips", "UAR", "95 %"):
        table.add_column(name, justify="right")
    for point in section["curve"]:
        low, high = point["interval"]
        ends = "" if low is None else f"{low:.3f} to {high:.3f}"
        table.add_row(f"{point['seconds']} s", str(point["n"]), f"{point['uar']:.3f}", ends)
    return table


def clips_under_test(
    fits: Sequence[FoldFit], recordings: Sequence[Recording], every: int
) -> NDArray[np.int64]:
    """Every so many-th test recording, each label and speaker in its share.

    Within a label and speaker chance decides: file names are sorted by statement and
    intensity, and a fixed step through them would meet the same ones in every speaker.
    """
    tested = np.flatnonzero(np.any([fit.is_test for fit in fits], axis=0))
    chance = np.random.default_rng(0).permutation(len(recordings))
    order = sorted(
        tested.tolist(),
        key=lambda clip: (recordings[clip].emotion, recordings[clip].speaker, chance[clip]),
    )
    return np.sort(np.array(order[::every], dtype=np.int64))


def _beginnings(
    content: str,
    seconds: Sequence[float],
    key: str,
    path: Path,
    settings: Settings,
    encoder_path: Path | None,
) -> list[NDArray[np.float32]]:
    """Inputs of the first utterance cut after each of `seconds`; empty without utterance."""
    utterances = whole_utterances(read_recording(path), settings)
    if not utterances:
        return []
    first = utterances[0]
    onset = int(np.argmax(first.speech)) * FRAME_SAMPLES
    return [
        inputs_of(first.samples[: onset + round(s * SAMPLE_RATE_HZ)], encoder_path).astype(
            np.float32
        )
        for s in seconds
    ]
