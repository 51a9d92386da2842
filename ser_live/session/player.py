"""The body of the segmenting thread: sources one after the other, their channels side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from ser_live.config import Settings
from ser_live.errors import SerLiveError
from ser_live.events import Level, Notice, SourceFailed, StreamId
from ser_live.session.controls import Orders
from ser_live.session.worker import WorkItem
from ser_live.sources import AudioSource
from ser_live.stream.drive import Driven, drive
from ser_live.stream.lanes import Demixer, Lanes
from ser_live.stream.roles import Roles
from ser_live.stream.segmented import Segmented
from ser_live.stream.segmenting import SegmentingStage
from ser_live.stream.side_by_side import SideBySide


class Player:
    """Drives sources through segmenting.

    Parameters
    ----------
    sources : iterable of AudioSource
    put : callable
        Takes everything that is to be analyzed, in order.
    show : callable
        Takes levels at once.
    settings, channels, roles, lanes, with_levels
        As for `LiveSession`.
    orders : Orders
        Asked of the session while it runs.
    """

    def __init__(
        self,
        sources: Iterable[AudioSource],
        put: Callable[[WorkItem], object],
        show: Callable[[Level], None],
        *,
        settings: Settings,
        channels: Sequence[int | None],
        roles: Sequence[str | None] | None,
        lanes: Roles | None,
        with_levels: bool,
        orders: Orders,
    ) -> None:
        self._sources = list(sources)
        self._put = put
        self._show = show
        self._settings = settings
        self._channels = tuple(channels)
        self._roles = tuple(roles) if roles is not None else (None,) * len(self._channels)
        self._lanes = lanes
        self._with_levels = with_levels
        self._demixer: Demixer | None = None
        self._orders = orders
        self._n_streams = 0
        self._next_id = 1
        self._n_played = 0
        """Samples of the sources that are over."""
        self.first_failure: SerLiveError | None = None
        """First source that could not be played; the session went on without it."""
        self.has_begun = False
        """Whether any source could be opened and heard."""

    @property
    def n_heard(self) -> int:
        """Samples heard so far, of channels side by side only once; for any thread."""
        return self._n_played + max((stage.position for stage in self._orders.stages), default=0)

    def run(self, *, is_stopping: Callable[[], bool], is_aborted: Callable[[], bool]) -> None:
        """Play every source, until asked to stop."""
        for source in self._sources:
            if is_stopping():
                break
            try:
                self._play(source, is_stopping, is_aborted)
            except SerLiveError as error:
                if self.first_failure is None:
                    self.first_failure = error
                self._put(SourceFailed(message=str(error), file=source.file))
            finally:
                source.close()
        for notice in self._orders.late():
            self._put(notice)

    def _play(
        self,
        source: AudioSource,
        is_stopping: Callable[[], bool],
        is_aborted: Callable[[], bool],
    ) -> None:
        try:
            n_told = 0
            for item in drive(
                source,
                self._begin,
                is_stopping=is_stopping,
                is_aborted=is_aborted,
                between=self._orders.due,
            ):
                for note in source.notes[n_told:]:
                    n_told += 1
                    self._put(Notice(sink=source.name, message=note))
                if isinstance(item, Level):
                    self._show(item)
                else:
                    self._put(item)
            if self._demixer is not None and (same := self._demixer.sameness.message(source.name)):
                self._put(Notice(sink=source.name, message=same))
        finally:
            stages, self._orders.stages = self._orders.stages, ()
            self._orders.source = None
            self._n_played += max((stage.position for stage in stages), default=0)
            self._next_id = max((stage.next_id for stage in stages), default=self._next_id)

    def _begin(self, source: AudioSource) -> Driven[Segmented]:
        streams: Driven[Segmented]
        if self._lanes is None:
            stages = [
                self._stage(source, channel, role)
                for channel, role in zip(self._channels, self._roles, strict=True)
            ]
            streams = SideBySide(stages)
        else:
            self._demixer = demixer = Demixer(self._lanes, source.sample_rate, source.n_channels)
            stages = [
                self._stage(
                    source,
                    channel,
                    role.name,
                    level=role.level,
                    with_activity=True,
                    revise=demixer.reviser(channel),
                )
                for channel, role in self._lanes.heard
            ]
            streams = Lanes(demixer, stages)
        self._orders.stages, self._orders.source = stages, source
        self.has_begun = True
        return streams

    def _stage(
        self, source: AudioSource, channel: int | None, role: str | None, **heard: Any
    ) -> SegmentingStage:
        self._n_streams += 1
        return SegmentingStage(
            self._settings,
            stream=StreamId(
                number=self._n_streams,
                source=source.name,
                channel=channel,
                role=role,
                file=source.file,
            ),
            sample_rate=source.sample_rate,
            n_channels=source.n_channels,
            started_at=wall_time(),
            first_id=self._next_id,
            no_signal_message=source.no_signal_hint,
            clock=time.monotonic,
            with_levels=self._with_levels,
            **heard,
        )


def wall_time() -> str:
    """Wall time now, ISO 8601 with offset."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
