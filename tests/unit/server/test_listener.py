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
