"""Pipecat: a frame processor that adds the tone of voice to a pipeline."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ser_live.errors import MissingExtraError
from ser_live.events import AffectState, EmotionResult, Record
from ser_live.integrations.ear import Ear, Heard
from ser_live.integrations.wording import FLOOR, tentative
from ser_live.model.emotion_model import EmotionModel

try:
    from pipecat.frames.frames import (
        CancelFrame,
        DataFrame,
        EndFrame,
        Frame,
        InputAudioRawFrame,
        TranscriptionFrame,
    )
    from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
except ImportError as error:
    raise MissingExtraError(
        f"ser_live.integrations.pipecat found no Pipecat ({error}), but needs it from 1.11 on: run "
        "`pip install pipecat-ai`."
    ) from error

METADATA = "ser_live"
"""Key of a transcription's metadata."""

FRESH_S = 8.0
"""Longest time after a result for a transcription to be about the same speech."""


@dataclass
class SerLiveEmotionFrame(DataFrame):
    """A result about the voice of a user; an interruption does not drop it.

    It is no text: nothing speaks it, and no context takes it in by itself.
    """

    user_id: str
    result: EmotionResult
    state: AffectState
    """The running emotion after it."""
    interruptible: bool = field(default=False, init=False)

    def wording(self, floor: float = FLOOR) -> str:
        """Give tentative words for the instructions of a model; empty where none fit."""
        return tentative(self.result, floor)


class SerLiveProcessor(FrameProcessor):
    """Hears the sound that passes, and tells how it sounds.

    Every frame is passed on before anything is analyzed, which happens in a thread. Each user is
    heard as a stream of their own. For each result a `SerLiveEmotionFrame` follows downstream;
    a transcription of the same speech carries it in ``metadata["ser_live"]``, so put the
    processor behind the speech-to-text service. An ``EndFrame`` waits for what was heard.

    Parameters
    ----------
    model : EmotionModel or str, optional
        As for `Analyzer`.
    with_partials : bool
        Whether frames tell of utterances that go on, too.
    floor : float
        Least probability for words in the metadata.
    pace : str
        As for `EmotionState`.
    """

    def __init__(
        self,
        *,
        model: EmotionModel | str | None = None,
        with_partials: bool = False,
        floor: float = FLOOR,
        pace: str = "assistant",
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self._model = model
        self._with_partials = with_partials
        self._floor = floor
        self._pace = pace
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="ser-live pipecat")
        self._ears: dict[str, Ear] = {}
        self._told_s: dict[str, float] = {}
        """When the latest result of each user came."""
        self._is_over = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Pass a frame on, and hear it if it is sound."""
        await super().process_frame(frame, direction)
        if isinstance(frame, EndFrame):
            await self._finish()  # before it: nothing follows an EndFrame
        if isinstance(frame, TranscriptionFrame):
            self._annotate(frame)
        await self.push_frame(frame, direction)
        if isinstance(frame, CancelFrame):
            await self._drop()
        elif isinstance(frame, InputAudioRawFrame) and not self._is_over:
            user = str(getattr(frame, "user_id", "") or frame.transport_source or "")
            self._ear(user).hear(frame.audio, frame.sample_rate, frame.num_channels)

    async def cleanup(self) -> None:
        """End what is still at work."""
        await super().cleanup()
        await self._drop()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _ear(self, user: str) -> Ear:
        if user not in self._ears:
            self._ears[user] = Ear(
                self._executor,
                partial(self._tell, user),
                model=self._model,
                name=user or "user",
                pace=self._pace,
            )
        return self._ears[user]

    async def _tell(self, user: str, heard: Heard) -> None:
        self._told_s[user] = time.monotonic()
        if self._with_partials or heard.result.kind.value == "final":
            await self.push_frame(SerLiveEmotionFrame(user, heard.result, heard.state))

    def _annotate(self, frame: TranscriptionFrame) -> None:
        """Add the latest result about the speech that was transcribed, if there is any."""
        user = frame.user_id
        if user not in self._ears and len(self._ears) == 1:
            user = next(iter(self._ears))  # services name a single user as they like
        ear = self._ears.get(user)
        age_s = time.monotonic() - self._told_s.get(user, -FRESH_S)
        if ear is None or ear.latest is None or age_s >= FRESH_S:
            return
        frame.metadata[METADATA] = _about(ear.latest, self._floor)
        ear.latest = None  # of one utterance, not of the next that is written or said

    async def _finish(self) -> None:
        self._is_over = True
        for ear in self._ears.values():
            await ear.finish()

    async def _drop(self) -> None:
        self._is_over = True
        for ear in self._ears.values():
            await ear.drop()


def _about(heard: Heard, floor: float) -> Record:
    return {
        **heard.result.as_record(),
        "affect_state": heard.state.as_record(),
        "wording": tentative(heard.result, floor),
    }
