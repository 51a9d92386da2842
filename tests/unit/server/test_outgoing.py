"""Records on their way: numbered without a hole, kept for a while, never waited for."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from ser_live.server.outgoing import Outgoing


def made(slow: list[int], **options: int) -> Outgoing:
    limits = {"n_kept": 20, "n_waiting": 3, "waiting_bytes": 10_000} | options
    return Outgoing("s", on_slow=lambda: slow.append(1), **limits)


def test_a_slow_reader_misses_levels_and_is_told_and_then_dropped() -> None:
    """Partial results and levels are left out and counted; a final that has no room ends it."""

    async def play() -> tuple[list[dict[str, Any]], list[int]]:
        slow: list[int] = []
        outgoing = made(slow)
        outgoing.attach(0)
        for number in range(3):
            outgoing.say({"type": "state", "n": number})
        outgoing.say({"type": "level"})
        outgoing.say({"type": "emotion", "kind": "partial"})
        assert slow == []
        sent: list[dict[str, Any]] = []

        async def send(text: str) -> None:
            sent.append(json.loads(text))

        task = asyncio.create_task(outgoing.send_all(send))
        assert await outgoing.wait_until_sent(5)
        outgoing.say({"type": "emotion", "kind": "final"})
        assert await outgoing.wait_until_sent(5)
        task.cancel()
        for number in range(4):
            outgoing.say({"type": "state", "n": number})
        return sent, slow

    sent, slow = asyncio.run(play())
    assert [r["seq"] for r in sent] == [1, 2, 3, 4, 5]
    assert [r["type"] for r in sent] == ["state", "state", "state", "warning", "emotion"]
    assert sent[3]["skipped"] == 2
    assert slow == [1]


def test_records_are_given_again_as_long_as_they_are_kept() -> None:
    """After a loss the reader goes on after the number it had; an older one is gone."""

    async def play() -> list[int]:
        outgoing = made([], n_kept=5)
        for number in range(9):
            outgoing.say({"type": "state", "n": number})
        assert [outgoing.has(seq) for seq in (3, 4, 9, 10)] == [False, True, True, False]
        outgoing.attach(6)
        sent: list[int] = []

        async def send(text: str) -> None:
            sent.append(json.loads(text)["seq"])

        task = asyncio.create_task(outgoing.send_all(send))
        await outgoing.wait_until_sent(5)
        task.cancel()
        return sent

    assert asyncio.run(play()) == [7, 8, 9]
