"""Targets with a fault that the fuzzer has to notice, on about one input in thirty."""

from __future__ import annotations

import os
import time
from pathlib import Path

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
