"""A session without what tells who it was: names, paths, devices, notes, and words of people.

It works on the entries, before anything is made of them, so that no part of a report can forget
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path

from ser_live.events import (
    DeviceFound,
    DeviceLost,
    Mark,
    Note,
    Notice,
    OfStream,
    Recorded,
    SessionStarted,
    SourceFailed,
    StateChanged,
    StreamId,
    StreamNotice,
)
from ser_live.report.session_data import SessionData

_LEFT_OUT = "…"


class Redaction:
    """Replaces what names somebody or something by what stands for it."""

    def __init__(self) -> None:
        self._streams: dict[int, StreamId] = {}

    def of_entries(self, entries: Iterable[Recorded]) -> Iterator[Recorded]:
        """The entries without names; notices keep their number alone."""
        for entry in entries:
            yield self._of(entry)

    def _of(self, entry: Recorded) -> Recorded:
        match entry:
            case OfStream():
                return self._of_stream(entry)
            case SessionStarted():
                speaker = None if entry.speaker is None else _LEFT_OUT
                # Settings may hold paths; none of them is shown.
                return replace(entry, speaker=speaker, audio_folder=None, settings={})
            case SourceFailed():
                return replace(entry, message=_LEFT_OUT, file=None)
            case Notice():
                return replace(entry, sink=_LEFT_OUT, message=_LEFT_OUT)
            case _:
                return entry

    def _of_stream(self, entry: OfStream) -> Recorded:
        stream = self._stream(entry.stream)
        match entry:
            case Mark():
                return replace(entry, stream=stream, label=_LEFT_OUT)
            case Note():
                return replace(entry, stream=stream, text=_LEFT_OUT)
            case DeviceLost():
                return replace(entry, stream=stream, device=_LEFT_OUT, message=_LEFT_OUT)
            case DeviceFound():
                return replace(entry, stream=stream, device=_LEFT_OUT, lost_device=_LEFT_OUT)
            case StateChanged() | StreamNotice() if entry.message:
                return replace(entry, stream=stream, message=_LEFT_OUT)
            case _:
                return replace(entry, stream=stream)

    def _stream(self, stream: StreamId) -> StreamId:
        found = self._streams.get(stream.number)
        if found is None:
            kept = {f.name: getattr(stream, f.name) for f in fields(stream)}
            kept.update(source=f"{stream.number}", file=None, role=None)
            found = self._streams[stream.number] = StreamId(**kept)
        return found

    def of_session(self, data: SessionData) -> None:
        """Take out what was added beside the log, and what names the log itself."""
        data.path = Path(_LEFT_OUT)
        data.sentences = [_LEFT_OUT for _ in data.sentences]
        data.remarks = [
            replace(remark, text=_LEFT_OUT, source="" if remark.source == "file" else remark.source)
            for remark in data.remarks
        ]
        data.corrections = [replace(c, by="", at=c.at) for c in data.corrections]
