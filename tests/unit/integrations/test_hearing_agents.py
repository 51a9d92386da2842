"""One speaker's sound beside an event loop, without any framework."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import soundfile
import soxr

from ser_live import Analyzer, EmotionResult
from ser_live.integrations import ear as module
from ser_live.integrations.ear import Ear, Heard

RATE = 16_000


@pytest.fixture(scope="module")
def speech(short_talk: Path) -> bytes:
    samples, rate = soundfile.read(short_talk, dtype="float32")
    sound = soxr.resample(samples, rate, RATE)[: 5 * RATE]
    return bytes((sound * 32767).astype("<i2").tobytes())


def told_by(hear: Any) -> tuple[list[Heard], Ear]:
    """Results that an ear tells while a function hands sound to it."""
    told: list[Heard] = []

    async def tell(heard: Heard) -> None:
        told.append(heard)

    async def run() -> Ear:
        with ThreadPoolExecutor(1) as executor:
            ear = Ear(executor, tell)
            hear(ear)
            await ear.finish()
        return ear

    return told, asyncio.run(run())


def test_results_are_those_of_an_analyzer(speech: bytes) -> None:
    """However the sound is cut, also within a sample."""

    def hear(ear: Ear) -> None:
        for n in range(0, len(speech), 777):
            ear.hear(speech[n : n + 777], RATE, 1)

    told, _ = told_by(hear)
    analyzer = Analyzer(RATE)
    events = [*analyzer.push(speech), *analyzer.close()]
    wanted = [event for event in events if isinstance(event, EmotionResult)]
    assert wanted
    assert [heard.result.probabilities for heard in told] == [e.probabilities for e in wanted]
    assert told[-1].state.stream.source == "speaker"


def test_handing_in_never_waits_and_too_much_becomes_a_gap(
    speech: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is beyond the limit is counted; the rest is heard."""
    monkeypatch.setattr(module, "MAX_WAITING_S", 2.0)
    took_s = []

    def hear(ear: Ear) -> None:
        began_s = time.monotonic()
        for n in range(0, len(speech), 3200):
            ear.hear(speech[n : n + 3200], RATE, 1)
        took_s.append(time.monotonic() - began_s)

    _, ear = told_by(hear)
    assert took_s[0] < 0.5
    assert ear.lost_s == pytest.approx(3.0, abs=0.11)
    assert ear.error is None


def test_another_rate_begins_a_new_stream_with_new_numbers(
    speech: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The open utterance of the first is ended; no number comes twice."""
    monkeypatch.setattr(module, "MAX_WAITING_S", 60.0)

    def hear(ear: Ear) -> None:
        ear.hear(speech, RATE, 1)
        ear.hear(speech, 2 * RATE, 2)
        ear.hear(speech, RATE, 1)

    told, _ = told_by(hear)
    finals = [h.result.id for h in told if h.result.kind == "final"]
    assert len(finals) >= 2
    assert sorted(set(finals)) == finals


def test_a_model_that_is_none_ends_it_without_harm(caplog: pytest.LogCaptureFixture) -> None:
    """The agent goes on; the log says why nothing is heard."""

    async def tell(_: Heard) -> None:
        raise AssertionError("nothing can be heard")

    async def run() -> Ear:
        with ThreadPoolExecutor(1) as executor:
            ear = Ear(executor, tell, model="no such model")
            ear.hear(b"\0\0" * 100, RATE, 1)
            await ear.finish()
            ear.hear(b"\0\0" * 100, RATE, 1)
            await ear.drop()
        return ear

    assert asyncio.run(run()).error is not None
    assert "hears speaker no more" in caplog.text
