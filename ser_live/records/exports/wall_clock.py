"""Wall time of moments on the clock of a stream."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from ser_live.events import Recorded, StreamId, StreamStarted


class WallClock:
    """Wall times, from when the streams of a session began."""

    def __init__(self) -> None:
        self._began: dict[int, datetime] = {}

    def learn(self, entry: Recorded) -> None:
        """Remember when a stream began; other entries are passed over."""
        if isinstance(entry, StreamStarted) and entry.started_at is not None:
            with suppress(ValueError):
                began = datetime.fromisoformat(entry.started_at)
                if began.utcoffset() is not None:
                    self._began[entry.stream.number] = began

    def at(self, stream: StreamId, position_s: float) -> datetime | None:
        """Wall time of a position, with its offset; ``None`` where the log does not tell."""
        began = self._began.get(stream.number)
        if began is None:
            return None
        with suppress(OverflowError):
            return began + timedelta(milliseconds=round(position_s * 1000))
        return None


def rfc_3339(moment: datetime | None) -> str | None:
    """A moment to the millisecond, with its offset."""
    return None if moment is None else moment.isoformat(timespec="milliseconds")
