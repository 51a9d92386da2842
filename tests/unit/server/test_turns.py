"""Requests that come at once are read a few at a time, in their order."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

from ser_live.server.turns import SLICE_S, Turns


class Reader:
    """Takes a third of a slice for all that it reads."""

    def __init__(self, read: list[tuple[int, bytes]], number: int) -> None:
        self._found = read
        self._number = number

    def read(self, data: bytes) -> None:
        self._found.append((self._number, data))
        until_s = time.monotonic() + SLICE_S / 3
        while time.monotonic() < until_s:
            pass


def test_others_get_their_turn_between_a_few_and_the_order_stays() -> None:
    """A hundred at once, two parts each: somebody else's work is never behind more than a slice."""
    found: list[tuple[int, bytes]] = []
    n_between: list[int] = []

    async def run() -> None:
        turns = Turns()
        loop = asyncio.get_running_loop()
        is_over = False

        def beside() -> None:
            n_between.append(len(found))
            if not is_over:
                loop.call_soon(beside)

        readers = [Reader(found, number) for number in range(100)]
        waits = [turns.take(reader, b"head") for reader in readers]
        waits += [turns.take(reader, b"body") for reader in readers]
        assert waits[0] is False
        assert waits[-1] is True
        assert turns.waits(readers[50])
        assert not turns.waits(Reader(found, 0))
        beside()
        while len(found) < 200:
            await asyncio.sleep(0)
        is_over = True
        # Later, alone: nothing is to be waited for.
        await asyncio.sleep(0.01)
        assert turns.take(readers[0], b"next") is False

    asyncio.run(run())
    expected = [(number, part) for part in (b"head", b"body") for number in range(100)]
    assert found == [*expected, (0, b"next")]
    assert max(b - a for a, b in pairwise(n_between)) <= 4
    assert len(n_between) > 50


def test_one_that_fails_leaves_the_others_their_turn() -> None:
    """An error goes where errors of the loop go; what waits is read all the same."""
    found: list[tuple[int, bytes]] = []

    class Broken:
        def read(self, data: bytes) -> None:
            raise ValueError("a made fault")

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        turns = Turns()
        for number in range(10):
            turns.take(Reader(found, number), b"x")
            if number > 4:  # a slice is over by then, so that it waits
                assert turns.take(Broken(), b"x")
        while len(found) < 10:
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(run(), 10))
    assert len(found) == 10
