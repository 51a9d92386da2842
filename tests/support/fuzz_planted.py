"""Targets with a fault that the fuzzer has to notice, on about one input in thirty."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import fuzz_containers
from beside_ffmpeg import Hearing, heard_by_ser_live
from fuzzing import Target

from ser_live.errors import DatasetError, SerLiveError


def _is_bad(data: bytes) -> bool:
    return sum(data) % 32 == 5


def _raises(data: bytes, folder: Path) -> None:
    if _is_bad(data):
        raise IndexError("planted")


def _exits(data: bytes, folder: Path) -> None:
    if _is_bad(data):
        raise SystemExit(0)


def _dies(data: bytes, folder: Path) -> None:
    if _is_bad(data):
        os.abort()


def _hangs(data: bytes, folder: Path) -> None:
    if _is_bad(data):
        time.sleep(600)


def _swells(data: bytes, folder: Path) -> None:
    if _is_bad(data):
        bytearray(3 << 30)


def _prints(data: bytes, folder: Path) -> None:
    if _is_bad(data):
        os.write(2, b"\x1b[31m")


def _is_speechless(data: bytes, folder: Path) -> None:
    if _is_bad(data):
        raise DatasetError


TARGETS = {
    name: Target(name, try_out, (SerLiveError,), module="fuzz_planted", corpus_of="ravdess")
    for name, try_out in (
        ("raises", _raises),
        ("exits", _exits),
        ("dies", _dies),
        ("hangs", _hangs),
        ("swells", _swells),
        ("prints", _prints),
        ("speechless", _is_speechless),
    )
}


def _losing(change: Callable[[Hearing], Hearing]) -> Callable[[bytes, Path], None]:
    """Make a try-out by a ser-live that hears less than it should, and does not say so."""

    def try_out(data: bytes, folder: Path) -> None:
        def heard(path: Path) -> Hearing:
            return change(heard_by_ser_live(path))

        fuzz_containers.hear_beside_ffmpeg(data, folder, heard)

    return try_out


LOSSES = {
    name: Target(name, _losing(change), (SerLiveError,), module="fuzz_planted")
    for name, change in (
        ("silent", lambda h: replace(h, seconds=h.seconds - 0.15, tonal_s=h.tonal_s - 0.15)),
        ("muted", lambda h: replace(h, tonal_s=h.tonal_s / 2)),
        ("stopped", lambda h: replace(h, seconds=0.0, tonal_s=0.0)),
    )
}
