"""Sound that is put off on its way to a busy process, and never at the end of an utterance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from ser_live import Analyzer, EmotionModel, Settings
from ser_live.events import Cause, EmotionResult, Kind
from ser_live.server.protocol import Start
from ser_live.server.remote import RemoteWork
from ser_live.server.sound_queue import Ask, Input
from ser_live.server.stream_work import Outcome, StreamWork
from ser_live.server.working import Hear, Order, Told
from ser_live.sources import Lost

RATE_HZ = 16_000
HOLD_S = 0.24


class Kept:
    """A courier that keeps what it is given."""

    def __init__(self) -> None:
        self.heard: list[Input] = []
        self.n_left = 0

    def send(self, order: Order) -> None:
        assert isinstance(order, Hear)
        self.heard.append(order.item)

    def leave(self, session: int) -> None:
        self.n_left += 1


def nothing(outcomes: Sequence[Outcome]) -> None:
    """Take outcomes that a test does not look at."""


def told(work: RemoteWork, *, n_taken: int, soonest_s: float, hold_s: float = HOLD_S) -> None:
    """Let the process tell that it took items, and how long nothing can become final."""
    work.take(Told(1, [], n_taken, 0.0, 0, soonest_s, hold_s))


def put(work: RemoteWork, item: Input | float) -> None:
    """Let sound of a length, or another item, come from the client."""
    if isinstance(item, float):
        item = np.zeros((round(item * RATE_HZ), 1), np.float32)
    work.put(item)
    work.forward()


def within_a_loop(check: Callable[[RemoteWork, Kept], object]) -> None:
    """Run a check in an event loop, with work whose first block was taken."""

    async def run() -> None:
        kept = Kept()
        work = RemoteWork(1, RATE_HZ, kept, nothing)
        put(work, 0.02)
        assert len(kept.heard) == 1
        found = check(work, kept)
        if asyncio.iscoroutine(found):
            await found
        work.abandon()

    asyncio.run(run())


def test_an_idle_process_gets_every_block_as_it_comes() -> None:
    """Where nothing is to be put off, each block is sent at once."""

    def check(work: RemoteWork, kept: Kept) -> None:
        told(work, n_taken=1, soonest_s=9.0, hold_s=0.0)
        for _ in range(5):
            put(work, 0.02)
        assert len(kept.heard) == 6

    within_a_loop(check)


def test_a_busy_process_gets_sound_in_large_pieces() -> None:
    """Far from any end of an utterance, half a second of blocks goes in two pieces."""

    def check(work: RemoteWork, kept: Kept) -> None:
        told(work, n_taken=1, soonest_s=9.0)
        for _ in range(24):
            put(work, 0.02)
        assert [len(item) for item in kept.heard[1:]] == [3840, 3840]  # type: ignore[arg-type]

    within_a_loop(check)


def test_no_block_waits_with_which_an_utterance_could_become_final() -> None:
    """The block that reaches the soonest end goes at once, with what waited before it."""

    def check(work: RemoteWork, kept: Kept) -> None:
        told(work, n_taken=1, soonest_s=0.10)
        for _ in range(3):
            put(work, 0.02)
        assert len(kept.heard) == 1
        put(work, 0.02)  # a tenth of a second came
        assert [len(item) for item in kept.heard[1:]] == [1280]  # type: ignore[arg-type]
        put(work, 0.02)
        assert len(kept.heard) == 3

    within_a_loop(check)


@pytest.mark.parametrize("item", [Ask("flush"), Lost(160, Cause.OVERFLOW)])
def test_requests_and_lost_sound_wait_for_nothing(item: Input) -> None:
    """What ends an utterance by itself takes all that was put off with it."""

    def check(work: RemoteWork, kept: Kept) -> None:
        told(work, n_taken=1, soonest_s=9.0)
        put(work, 0.02)
        assert len(kept.heard) == 1
        put(work, item)
        assert kept.heard[2] is item

    within_a_loop(check)


def test_sound_that_stops_is_heard_nevertheless() -> None:
    """What was put off is sent after a while, though no more comes."""

    async def check(work: RemoteWork, kept: Kept) -> None:
        told(work, n_taken=1, soonest_s=9.0, hold_s=0.05)
        put(work, 0.02)
        assert len(kept.heard) == 1
        for _ in range(200):
            await asyncio.sleep(0.01)
            if len(kept.heard) == 2:
                break
        assert len(kept.heard) == 2

    within_a_loop(check)


def test_nothing_is_sent_of_a_session_that_is_given_up() -> None:
    """Its timer ends with it."""

    async def check(work: RemoteWork, kept: Kept) -> None:
        told(work, n_taken=1, soonest_s=9.0, hold_s=0.03)
        put(work, 0.02)
        work.abandon()
        await asyncio.sleep(0.1)
        assert len(kept.heard) == 1
        assert kept.n_left == 1

    within_a_loop(check)


def test_finals_come_with_the_same_block_and_are_the_same(
    short_talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A talk in blocks of 20 ms, always put off: every event, and each final by its block."""
    samples, rate = soundfile.read(short_talk, dtype="float32", always_2d=True, frames=5 * 22_050)
    n_block = rate // 50
    blocks = [samples[i : i + n_block] for i in range(0, len(samples), n_block)]
    model = EmotionModel.load()
    analyzer = Analyzer(rate, samples.shape[1], model=model, with_partials=False)
    plain = [(n, event) for n, block in enumerate(blocks) for event in analyzer.push(block)]
    found: list[tuple[int, Outcome]] = []
    now = 0
    start = Start(sample_rate=rate, channels=samples.shape[1], results="final")
    there = StreamWork(
        start, model, Settings(), None, lambda told: found.extend((now, o) for o in told)
    )
    kept = Kept()
    at_real_time = SimpleNamespace(monotonic=lambda: 100.0 + 0.02 * now)
    monkeypatch.setattr("ser_live.server.sound_queue.time", at_real_time)

    async def run() -> None:
        nonlocal now
        work = RemoteWork(1, rate, kept, nothing)
        n_taken = 0
        for now, block in enumerate(blocks):  # noqa: B007  read when something is told
            work.put(block)
            work.forward()
            for item in kept.heard[n_taken:]:
                there.put(item)
            n_taken = len(kept.heard)
            while there.urgency() is not None:
                there.step()
            work.take(Told(1, [], n_taken, 0.0, 0, there.soonest_s, HOLD_S))

    asyncio.run(run())
    assert len(kept.heard) < len(blocks) / 4
    assert finals(found) == finals(plain) != []
    assert essence(found) == essence(plain)


def finals(found: Sequence[tuple[int, Outcome]]) -> list[tuple[int, int]]:
    """Block and number of every final result."""
    return [(n, e.id) for n, e in found if isinstance(e, EmotionResult) and e.kind is Kind.FINAL]


def essence(found: Sequence[tuple[int, Outcome]]) -> list[dict[str, object]]:
    """Results without what differs from run to run."""
    records = [event.as_record() for _, event in found if isinstance(event, EmotionResult)]
    return [{k: v for k, v in record.items() if k != "latency_ms"} for record in records]
