"""Notices about the signal of a stream, each said once and at its place."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

from ser_live.config import SAMPLE_RATE_HZ
from ser_live.events import StreamId, StreamNotice
from ser_live.mixing import Finding

QUIET_PEAK_DBFS = -40.0
"""A recording that never gets louder is too quiet for most of its speech to be judged."""

_USUAL_PEAK_DBFS = -6.0


class SignalNotices:
    """Makes the notices of one stream; they stand where the clock of the stream passes them.

    Parameters
    ----------
    stream : StreamId
    sample_rate : int
        Native rate in hertz.
    """

    def __init__(self, stream: StreamId, sample_rate: int) -> None:
        self._stream = stream
        self._sample_rate = sample_rate
        self._waiting: deque[StreamNotice] = deque()

    def add(self, findings: Iterable[Finding], n_lost: int) -> None:
        """Take findings in; `n_lost` native samples before them never arrived."""
        for finding in findings:
            sample = (finding.position + n_lost) * SAMPLE_RATE_HZ // self._sample_rate
            self._waiting.append(
                StreamNotice(stream=self._stream, sample=sample, message=finding.message)
            )

    def due(self, position: float = math.inf) -> list[StreamNotice]:
        """Give what lies no later than a position on the stream's clock, all by default."""
        given = []
        while self._waiting and self._waiting[0].sample <= position:
            given.append(self._waiting.popleft())
        return given

    def at_end(self, position: int, peak: float, n_utterances: int) -> list[StreamNotice]:
        """Give what a whole recording shows: that nothing was found, or that it is too quiet.

        Of a microphone nothing is said; its silence is no surprise.
        """
        if self._stream.file is None or position == 0:
            return []
        message = _of_whole(self._stream.channel, peak, n_utterances)
        if not message:
            return []
        return [StreamNotice(stream=self._stream, sample=position, message=message)]


def _of_whole(channel: int | None, peak: float, n_utterances: int) -> str:
    """Sentence about a whole recording; empty where there is nothing to say."""
    peak_dbfs = 20.0 * math.log10(peak) if peak > 0.0 else -math.inf
    is_quiet = peak_dbfs < QUIET_PEAK_DBFS
    if n_utterances and not is_quiet:
        return ""
    place = "" if channel is None else f" in channel {channel + 1}"
    said = "too quiet to judge much of it" if n_utterances else "no speech found"
    if peak == 0.0:
        return f"{said}{place}; there are only zeros."
    level = f"{said}{place}; the loudest sample is at {peak_dbfs:.0f} dBFS"
    if not is_quiet:
        return f"{level}."
    return f"{level}: amplify the recording by about {_USUAL_PEAK_DBFS - peak_dbfs:.0f} dB."
