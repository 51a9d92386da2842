"""The forms that a log can be written in, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ser_live.records.exports.audacity import audacity
from ser_live.records.exports.elan import elan
from ser_live.records.exports.rttm import rttm
from ser_live.records.exports.subrip import subrip
from ser_live.records.exports.textgrid import textgrid
from ser_live.records.exports.timeline import Timeline
from ser_live.records.exports.webvtt import webvtt


class TimedFormat(NamedTuple):
    """A form that lays a session out in time."""

    suffix: str
    """Ending by which its files are known."""
    write: Callable[[Timeline], Iterator[str]]


TIMED: dict[str, TimedFormat] = {
    "srt": TimedFormat(".srt", subrip),
    "vtt": TimedFormat(".vtt", webvtt),
    "audacity": TimedFormat("", audacity),  # .txt, as much else is
    "textgrid": TimedFormat(".textgrid", textgrid),
    "elan": TimedFormat(".eaf", elan),
    "rttm": TimedFormat(".rttm", rttm),
}
TABLES = {"csv": ".csv", "parquet": ".parquet"}
NAMES = ("csv", *TIMED, "parquet")


def format_of(suffix: str) -> str | None:
    """Name of the form whose files end in `suffix`, whatever its case."""
    suffixes = {**TABLES, **{name: form.suffix for name, form in TIMED.items() if form.suffix}}
    return next((name for name, known in suffixes.items() if known == suffix.lower()), None)
