"""Readers of the server's microphone who come late, or read slowly."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("starlette", reason="needs the extra server")

from ser_live.server.microphone import Listener


def test_what_was_missed_comes_whole_and_first() -> None:
    """More than may wait otherwise; only what comes beside it counts as waiting."""
    missed = [(number, "emotion", str(number)) for number in range(1, 6)]
    listener = Listener(2, missed)
    listener.add(6, "level", "6", is_expendable=True)
    listener.add(7, "emotion", "7", is_expendable=False)
    assert not listener.is_dropped
    listener.add(8, "level", "8", is_expendable=True)
    assert listener.n_skipped == 1
    listener.add(9, "emotion", "9", is_expendable=False)
    assert listener.is_dropped

    async def read() -> list[int]:
        found = []
        while (entry := await listener.next(0.1)) is not None:
            found.append(entry[0])
        return found

    assert asyncio.run(read()) == [1, 2, 3, 4, 5, 6, 7, 9]


def test_a_reader_waits_for_a_record_and_not_for_ever() -> None:
    """A record that comes meanwhile ends the wait, and without one the time does."""

    async def read() -> list[tuple[int, str, str] | None]:
        listener = Listener(2)
        loop = asyncio.get_running_loop()
        found = [await listener.next(0.01)]
        loop.call_later(0.01, lambda: listener.add(1, "level", "1", is_expendable=True))
        began_s = loop.time()
        found.append(await listener.next(60.0))
        assert loop.time() - began_s < 30.0
        listener.add(2, "level", "2", is_expendable=True)
        found.append(await listener.next(60.0))
        return found

    assert asyncio.run(read()) == [None, (1, "level", "1"), (2, "level", "2")]
