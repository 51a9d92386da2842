"""SubRip (``.srt``): numbered cues for video players.

There is no way to escape anything in it, so signs that players take for markup are written as
others that look alike.
"""

from __future__ import annotations

from collections.abc import Iterator

from ser_live.records.exports.subtitles import clock_ms, cues
from ser_live.records.exports.timeline import Timeline

_LOOKALIKES = str.maketrans({"<": "‹", ">": "›", "{": "(", "}": ")", "\\": "/"})


def subrip(timeline: Timeline) -> Iterator[str]:
    """Cues in order of time; of several streams each says whose it is."""
    for number, (start_ms, end_ms, speaker, text) in enumerate(cues(timeline), start=1):
        said = (f"{speaker}: {text}" if speaker else text).translate(_LOOKALIKES)
        yield f"{number}\n{clock_ms(start_ms, ',')} --> {clock_ms(end_ms, ',')}\n{said}\n\n"
