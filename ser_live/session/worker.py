"""The body of the worker thread: utterances out of the queue, results out of each stream."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import TypeAlias

from ser_live.config import Settings
from ser_live.events import Event, Notice, SourceFailed, StreamEnded, StreamId
from ser_live.model.emotion_model import EmotionModel
from ser_live.session.work_queue import WorkQueue
from ser_live.speaker.profile import SpeakerProfile
from ser_live.stream.analysis import AnalysisStage, warm_up
from ser_live.stream.segmented import Segmented

WorkItem: TypeAlias = Segmented | SourceFailed | Notice | None
"""Items that wait for the worker; ``None`` is the end."""


class Worker:
    """Analyzes what is in a work queue, each stream by a stage of its own.

    Parameters
    ----------
    work : WorkQueue
    hand_out : callable
        Takes every event.
    model, settings, profile, keeps_audio
        As for `AnalysisStage`.
    """

    def __init__(
        self,
        work: WorkQueue[WorkItem],
        hand_out: Callable[[Event], None],
        *,
        model: EmotionModel,
        settings: Settings,
        profile: SpeakerProfile | None,
        keeps_audio: bool,
    ) -> None:
        self._work = work
        self._hand_out = hand_out
        self._model = model
        self._settings = settings
        self._profile = profile
        self._keeps_audio = keeps_audio
        self._stages: dict[int, AnalysisStage] = {}
        """Stages of the streams that are not over, by number."""

    def run(self, is_aborted: Callable[[], bool]) -> None:
        """Work until the end comes out of the queue, or until aborted."""
        warm_up(self._model)
        while not is_aborted():
            try:
                item = self._work.get(0.1)
            except queue.Empty:
                continue
            if item is None:
                return
            self._hand_out(
                item if isinstance(item, SourceFailed | Notice) else self._analyzed(item)
            )

    def _analyzed(self, item: Segmented) -> Event:
        number = item.stream.number
        if number not in self._stages:
            self._stages[number] = self._stage_of(item.stream)
        event = self._stages[number].take(item)
        if isinstance(event, StreamEnded):
            del self._stages[number]
        return event

    def _stage_of(self, stream: StreamId) -> AnalysisStage:
        return AnalysisStage(
            self._model,
            self._settings,
            stream=stream,
            profile=self._profile,
            clock=time.monotonic,
            keeps_audio=self._keeps_audio,
        )
