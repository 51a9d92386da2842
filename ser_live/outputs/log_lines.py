"""Entries of a session log as lines, for people or for programs."""

from __future__ import annotations

from ser_live.events import (
    Activity,
    DeviceFound,
    DeviceLost,
    Drop,
    EmotionResult,
    Kind,
    Mark,
    Note,
    Notice,
    Recorded,
    SessionEnded,
    SourceFailed,
    StreamGap,
    StreamNotice,
    StreamStarted,
)
from ser_live.outputs.text_lines import text_line
from ser_live.records.json_line import json_line
from ser_live.records.log_entries import LogContinued, LogGap
from ser_live.terminal.text import clock, printable


def is_final(entry: Recorded) -> bool:
    """Whether an entry is the result for a whole utterance."""
    return isinstance(entry, EmotionResult) and entry.kind is Kind.FINAL


def log_line(entry: Recorded, *, as_json: bool, finals: bool) -> str:
    """One line about an entry; empty where it has none.

    Parameters
    ----------
    entry : Recorded
    as_json : bool
        The entry as it stands in the log, instead of text that is safe to print.
    finals : bool
        Only results for whole utterances have a line.
    """
    if finals and not is_final(entry):
        return ""
    return json_line(entry.as_record()) if as_json else _text(entry)


def _text(entry: Recorded) -> str:
    match entry:
        case EmotionResult(kind=Kind.PARTIAL) | Drop(kind=Kind.PARTIAL):
            return ""
        case EmotionResult() | Activity() | Drop() | StreamGap() | StreamStarted() | DeviceFound():
            return text_line(entry)
        case SourceFailed() | DeviceLost() | Notice() | StreamNotice():
            return f"!! {printable(entry.message)}"
        case Mark():
            return (
                f"{clock(entry.start_s, tenths=True):<18} mark             {printable(entry.label)}"
            )
        case Note():
            start = clock(entry.start_s, tenths=True)
            return f"{start:<18} note             {printable(entry.words)}"
        case LogContinued():
            return printable(f"!! {entry.path} could not be written any more: {entry.cause}")
        case LogGap():
            return f"!! {entry.n_events} events could not be written"
        case SessionEnded():
            return f"== ended: {entry.reason}"
        case _:
            return ""
