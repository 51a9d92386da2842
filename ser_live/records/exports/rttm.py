"""Rich Transcription Time Marked (``.rttm``), of NIST's evaluations.

A line is about one stretch of one channel of one recording, on that recording's own clock. The
name of a ``SPEAKER`` is here the emotion, or the plain words why none is named: who speaks is
said by recording and channel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from ser_live.records.exports.plain import plain
from ser_live.records.exports.timeline import Part, Stretch, TimedStream, Timeline

_HEAD = ";; The name of a SPEAKER is the emotion, or the reason why none is named.\n"


def rttm(timeline: Timeline) -> Iterator[str]:
    """Lines in order of recording, channel and time; what was missing is not scored."""
    yield _HEAD
    taken: set[tuple[str, int]] = set()
    for stream in timeline.streams:
        file, channel = _word(_file_of(stream)), (stream.stream.channel or 0) + 1
        if (file, channel) in taken:
            file = f"{file}_stream{stream.stream.number}"
        taken.add((file, channel))
        if stream.stream.role:
            yield f";; {file} {channel} is {plain(stream.stream.role)}\n"
        for piece in stream.stretches:
            yield from _lines(file, channel, piece, piece.start_ms - stream.offset_ms)


def _file_of(stream: TimedStream) -> str:
    file = stream.stream.file
    return PurePath(file).stem if file else stream.stream.source


def _lines(file: str, channel: int, piece: Stretch, start_ms: int) -> Iterator[str]:
    start = f"{start_ms / 1000:.3f}"
    length = f"{(piece.end_ms - piece.start_ms) / 1000:.3f}"
    what = f"{file} {channel} {start} {length} <NA>"
    if piece.part is Part.MARK:
        yield f";; mark {file} {channel} {start} {piece.label}\n"
    elif piece.part is Part.MISSING:
        yield f";; {piece.label}:\n"
        yield f"NOSCORE {what} <NA> <NA> <NA> <NA>\n"
    elif piece.part is Part.OTHER_SOUND:
        yield f"NON-SPEECH {what} other <NA> <NA> <NA>\n"
    else:
        yield f"SPEAKER {what} <NA> {_word(piece.label)} <NA> <NA>\n"


def _word(text: str) -> str:
    """`text` as one field: without spaces, and not like an empty one or a comment."""
    word = re.sub(r"\s+", "_", plain(text)).lstrip(";")
    return word if word and word != "<NA>" else "unnamed"
