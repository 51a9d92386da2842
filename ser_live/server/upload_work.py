"""A recording in, events out: the part that works in the threads of the pool, or in a process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from ser_live.config import Settings
from ser_live.errors import SerLiveError
from ser_live.events import StreamEvent, StreamId
from ser_live.model.emotion_model import EmotionModel
from ser_live.server.pool import Urgency
from ser_live.sources import FileSource
from ser_live.stream.analyzer import Analyzer
from ser_live.stream.drive import drive

UPLOAD = "upload"
"""Name of an uploaded recording in records."""

Uploaded: TypeAlias = StreamEvent | Exception | None
"""News of a recording: its events, an error, and ``None`` at the end."""

_PAUSE: Any = object()
"""Stands between two blocks: the next step may be another's."""


def _pause() -> tuple[Any]:
    return (_PAUSE,)


class UploadWork:
    """Analysis of one recording; a job of the pool that gives way to whoever speaks.

    Parameters
    ----------
    path : str
    channel : int or None
        Counted from 0.
    model, settings
        As for `Analyzer`.
    tell : callable
        Takes each event, an error, and ``None`` at the end, where the step is done.
    """

    def __init__(
        self,
        path: str,
        channel: int | None,
        model: EmotionModel,
        settings: Settings,
        tell: Callable[[Uploaded], None],
    ) -> None:
        self._tell = tell
        self._is_over = False
        source = FileSource(path, speed=0)
        name = StreamId(number=1, source=UPLOAD, channel=channel, file=UPLOAD)
        self.notes = source.notes
        self._events = drive(
            source,
            lambda opened: Analyzer(
                opened.sample_rate,
                opened.n_channels,
                stream=name,
                model=model,
                settings=settings,
                with_partials=False,
            ),
            between=_pause,
        )

    def abandon(self) -> None:
        """Do no further step."""
        self._is_over = True

    def urgency(self) -> Urgency | None:
        return None if self._is_over else Urgency.PARTIAL

    def step(self) -> None:
        """Hear the next block, or give the next event."""
        try:
            event: Any = next(self._events, None)
        except (SerLiveError, ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
            self._is_over = True
            self._tell(error)
            return
        if event is not _PAUSE:
            self._is_over |= event is None
            self._tell(event)
