"""Work of a session under load: partial results give way, final ones never."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_live import EmotionModel
from ser_live.config import Settings
from ser_live.events import Drop, EmotionResult, Kind
from ser_live.server.pool import Urgency
from ser_live.server.protocol import Start
from ser_live.server.sound_queue import Ask
from ser_live.server.stream_work import Outcome, StreamWork
from ser_live.server.upload_work import UploadWork


def heard(talk: Path, *, late_s: float, at_once: bool) -> tuple[int, int, int]:
    """Partial results, drops and finals of a talk whose sound waited before each step."""
    samples, rate = soundfile.read(talk, dtype="float32", always_2d=True, frames=5 * 22_050)
    outcomes: list[Outcome] = []

    def tell(found: Sequence[Outcome]) -> None:
        outcomes.extend(found)

    work = StreamWork(Start(sample_rate=rate), EmotionModel.load(), Settings(), None, tell)
    now_s = time.monotonic()
    n_block = rate // 2
    blocks = [samples[i : i + n_block] for i in range(0, len(samples), n_block)]
    for number, block in enumerate(blocks):
        age_s = late_s + (0.0 if at_once else 0.5 * (len(blocks) - number))
        work.put(block, came_s=now_s - age_s)
    work.put(Ask("end"), came_s=now_s - late_s)
    while work.urgency() is not None:
        work.step()
    results = [o for o in outcomes if isinstance(o, EmotionResult)]
    n_partials = sum(result.kind is Kind.PARTIAL for result in results)
    n_drops = sum(isinstance(o, Drop) for o in outcomes)
    assert work.tally.n_dropped == n_drops
    return n_partials, n_drops, len(results) - n_partials


def test_late_partial_results_of_live_sound_are_given_up(short_talk: Path) -> None:
    """Each has a drop in its place; sound that came at once may wait, and misses nothing."""
    n_partials, n_drops, n_finals = heard(short_talk, late_s=5.0, at_once=True)
    assert n_partials > 1
    assert n_drops == 0
    few, many, same = heard(short_talk, late_s=5.0, at_once=False)
    assert many >= n_partials - 1
    assert few + many == n_partials
    assert same == n_finals > 0


def test_a_late_partial_result_is_as_urgent_as_sound(short_talk: Path) -> None:
    """It costs nothing to give it up, and what stands behind it is waited for."""
    samples, rate = soundfile.read(short_talk, dtype="float32", always_2d=True, frames=3 * 22_050)
    work = StreamWork(Start(sample_rate=rate), EmotionModel.load(), Settings(), None, list)
    n_block = rate // 2
    began_s = time.monotonic() - 10.0
    for i in range(0, len(samples), n_block):
        work.put(samples[i : i + n_block], came_s=began_s + i / rate)
        while work.urgency() is Urgency.FINAL:
            work.step()
        if work.urgency() is Urgency.PARTIAL:
            break
    assert work.urgency() is Urgency.PARTIAL
    work.put(np.zeros((n_block, 1), np.float32), came_s=began_s + 4.0)
    assert work.urgency() is Urgency.FINAL


@pytest.mark.parametrize("seconds", [10])
def test_an_upload_without_speech_lets_others_go_first(seconds: int, tmp_path: Path) -> None:
    """It is heard block by block: no step takes as long as the recording."""
    path = tmp_path / "silence.wav"
    noise = 1e-3 * np.random.default_rng(0).standard_normal(16_000 * seconds)
    soundfile.write(path, noise, 16_000)
    told: list[object] = []
    work = UploadWork(str(path), None, EmotionModel.load(), Settings(), told.append)
    n_steps = 0
    while work.urgency() is not None:
        work.step()
        n_steps += 1
    assert n_steps > 3 * seconds
    assert told[-1] is None
