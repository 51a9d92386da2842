"""WebVTT (``.vtt``): cues for web players, as the W3C describes them."""

from __future__ import annotations

from collections.abc import Iterator

from ser_live.records.exports.subtitles import clock_ms, cues
from ser_live.records.exports.timeline import Timeline

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def webvtt(timeline: Timeline) -> Iterator[str]:
    """Cues in order of time; of several streams each has its voice."""
    yield "WEBVTT\n\n"
    for start_ms, end_ms, speaker, text in cues(timeline):
        voice = f"<v {speaker.translate(_ESCAPES)}>" if speaker else ""
        yield (
            f"{clock_ms(start_ms, '.')} --> {clock_ms(end_ms, '.')}\n"
            f"{voice}{text.translate(_ESCAPES)}\n\n"
        )
