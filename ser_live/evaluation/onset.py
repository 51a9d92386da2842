"""Right answers by seconds heard since speech began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_live.arrays import Float32, Int64
from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ, Settings
from ser_live.datasets.recording import Recording
from ser_live.emotions import LABELS
from ser_live.evaluation.folds import FoldFit
from ser_live.evaluation.judge import uar_with_interval
from ser_live.evaluation.live_path import Hearing, inputs_of, seen_by, whole_utterances
from ser_live.sources import read_recording

if TYPE_CHECKING:
    from rich.console import RenderableType


SECONDS = (0.5, 1.0, 1.5, 2.0, 3.0)
"""Seconds after the first speech frame at which an utterance is cut."""


def onset_section(
    fits: Sequence[FoldFit],
    recordings: Sequence[Recording],
    hearing: Hearing,
    *,
    every: int = 1,
) -> dict[str, Any]:
    """UAR on the unseen clips when only their first seconds of speech were heard.

    Parameters
    ----------
    fits : sequence of FoldFit
    recordings : sequence of Recording
    hearing : Hearing
    every : int
        Take every so many-th test clip.
    """
    clips = clips_under_test(fits, recordings, every)
    inputs = hearing.of_each(
        _beginnings, [recordings[clip] for clip in clips], str(SECONDS), SECONDS
    )
    probabilities = np.full((len(SECONDS), len(clips), len(LABELS)), 1.0 / len(LABELS))
    for fit in fits:
        for place, clip in enumerate(clips):
            if fit.is_test[clip] and inputs[place]:
                probabilities[:, place] = fit.fitted.predict_proba(
                    seen_by(fit.fitted, inputs[place])
                )
    y = np.array([LABELS.index(recordings[clip].label) for clip in clips])
    speakers = np.array([recordings[clip].speaker for clip in clips])
    return {
        "from": "first speech frame of the first utterance",
        "n_without_utterance": sum(not vectors for vectors in inputs),
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


def clips_under_test(fits: Sequence[FoldFit], recordings: Sequence[Recording], every: int) -> Int64:
    """Every n-th test recording, each label and speaker in its share.

    Within a label and speaker chance decides: file names are sorted by statement and
    intensity, and a fixed step through them would meet the same ones in every speaker.
    """
    tested = np.flatnonzero(np.any([fit.is_test for fit in fits], axis=0))
    chance = np.random.default_rng(0).permutation(len(recordings))
    order = sorted(
        tested.tolist(),
        key=lambda clip: (recordings[clip].label, recordings[clip].speaker, chance[clip]),
    )
    return np.sort(np.array(order[::every], dtype=np.int64))


def _beginnings(
    content: str,
    identity: str,
    key: str,
    path: Path,
    way: Sequence[float],
    settings: Settings,
    encoder: Path | None,
) -> list[Float32]:
    """Inputs of the first utterance cut after so many seconds each; empty without utterance."""
    utterances = whole_utterances(read_recording(path), settings)
    if not utterances:
        return []
    first = utterances[0]
    onset = int(np.argmax(first.speech)) * FRAME_SAMPLES
    ends = [onset + round(seconds * SAMPLE_RATE_HZ) for seconds in way]
    return [inputs_of(first.samples[:end], encoder).astype(np.float32) for end in ends]
