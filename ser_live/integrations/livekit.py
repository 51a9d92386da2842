"""LiveKit agents: any speech-to-text, with the tone of voice beside the words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ser_live.errors import MissingExtraError, UsageError
from ser_live.events import Record
from ser_live.integrations.ear import Ear, Heard
from ser_live.integrations.wording import FLOOR, tentative
from ser_live.model.emotion_model import EmotionModel

try:
    from livekit import rtc
    from livekit.agents import stt, utils
    from livekit.agents.types import (
        DEFAULT_API_CONNECT_OPTIONS,
        NOT_GIVEN,
        APIConnectOptions,
        NotGivenOr,
    )
    from pydantic import BaseModel, ConfigDict, PrivateAttr
except ImportError as error:
    raise MissingExtraError(
        f"ser_live.integrations.livekit found no LiveKit agents ({error}), but needs them from 1.8 "
        "on: run `pip install livekit-agents`."
    ) from error

METADATA = "ser_live"
"""Key of the metadata of speech."""

FRESH_S = 15.0
"""Time after the latest result for which it is told to a model."""


class SerLiveContext(BaseModel):
    """The tone of voice as `RecognizeStream.context`; its words go to the model by themselves."""

    model_config = ConfigDict(frozen=True)

    label: str
    """Label of the running emotion, or ``unknown``."""
    certainty: float
    valence: float | None
    arousal: float | None
    record: dict[str, Any]
    """Record of the latest result, as in the session log."""
    floor: float = FLOOR
    wrapped: BaseModel | None = None
    """Context of the speech-to-text that is wrapped."""
    _heard: Heard | None = PrivateAttr(None)
    _until_s: float = PrivateAttr(0.0)

    def to_instructions(self) -> str:
        """Give tentative words; empty where none fit, the speech is long ago, or withdrawn."""
        inner = self.wrapped
        words = inner.to_instructions() if isinstance(inner, stt.SpeakerContext) else ""
        own = ""
        if self._heard is not None and time.monotonic() < self._until_s:
            own = tentative(self._heard.state, self.floor)
        return "\n".join(text for text in (words, own) if text)

    def withdraw(self) -> None:
        """Say nothing more, as for a message that was typed."""
        self._until_s = 0.0


def with_emotion(
    wrapped: stt.STT,
    *,
    model: EmotionModel | str | None = None,
    floor: float = FLOOR,
    pace: str = "assistant",
) -> EmotionSTT:
    """Give a speech-to-text that is the wrapped one, and hears the tone of voice, too.

    Final transcripts carry the record of the latest result in ``metadata["ser_live"]``, and the
    stream's ``context`` is a `SerLiveContext`.

    Parameters
    ----------
    wrapped : STT
        One that streams; put any other one into LiveKit's ``StreamAdapter`` first.
    model : EmotionModel or str, optional
        As for `Analyzer`.
    floor : float
        Least certainty for words to a model.
    pace : str
        As for `EmotionState`.

    Raises
    ------
    UsageError
        It does not stream.
    """
    if not wrapped.capabilities.streaming:
        raise UsageError(
            "the speech-to-text does not stream, but the tone of voice is heard in a stream: wrap "
            "it with livekit.agents.stt.StreamAdapter first."
        )
    return EmotionSTT(wrapped, model, floor, pace)


class EmotionSTT(stt.STT):
    """A speech-to-text with the tone of voice; made by `with_emotion`."""

    def __init__(
        self, wrapped: stt.STT, model: EmotionModel | str | None, floor: float, pace: str
    ) -> None:
        super().__init__(capabilities=wrapped.capabilities)
        self._wrapped = wrapped
        self._model = model
        self._floor = floor
        self._pace = pace
        # The wrapped one measures itself; a second measurement would count everything twice.
        self._recognize_metrics_needed = False
        wrapped.on("metrics_collected", self._on_metrics)

    @property
    def wrapped_stt(self) -> stt.STT:
        """The wrapped one."""
        return self._wrapped

    @property
    def model(self) -> str:
        """Model of the wrapped one."""
        return str(self._wrapped.model)

    @property
    def provider(self) -> str:
        """Provider of the wrapped one."""
        return str(self._wrapped.provider)

    def _update_session_keyterms(self, keyterms: list[str]) -> None:
        self._wrapped._update_session_keyterms(keyterms)

    def _push_conversation_item(self, item: Any) -> None:
        self._wrapped._push_conversation_item(item)

    def prewarm(self) -> None:
        """Prepare the wrapped one."""
        self._wrapped.prewarm()

    async def _recognize_impl(
        self,
        buffer: utils.AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.SpeechEvent:
        return await self._wrapped.recognize(buffer, language=language, conn_options=conn_options)

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> EmotionStream:
        """Begin to hear."""
        inner = self._wrapped.stream(language=language, conn_options=conn_options)
        return EmotionStream(self, inner, conn_options)

    async def aclose(self) -> None:
        """Let go of the wrapped one, which its owner closes."""
        self._wrapped.off("metrics_collected", self._on_metrics)

    def _on_metrics(self, *arguments: Any, **named: Any) -> None:
        self.emit("metrics_collected", *arguments, **named)


class EmotionStream(stt.RecognizeStream):
    """One stream of `EmotionSTT`."""

    def __init__(
        self, owner: EmotionSTT, inner: stt.RecognizeStream, conn_options: APIConnectOptions
    ) -> None:
        # The wrapped one tries again by itself.
        once = APIConnectOptions(max_retry=0, timeout=conn_options.timeout)
        super().__init__(stt=owner, conn_options=once)
        self._inner = inner
        self._floor = owner._floor
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="ser-live livekit")
        self._ear = Ear(
            self._executor, self._tell, model=owner._model, name="participant", pace=owner._pace
        )
        self._record: Record | None = None
        """Record of the latest result that no transcript carried yet."""

    async def _metrics_monitor_task(self, event_aiter: AsyncIterable[stt.SpeechEvent]) -> None:
        async for _ in event_aiter:  # the wrapped one's stream measures
            pass

    async def _run(self) -> None:
        tasks = [asyncio.create_task(self._forward_input()), asyncio.create_task(self._events())]
        try:
            await asyncio.gather(*tasks)
        finally:
            await utils.aio.cancel_and_wait(*tasks)
            await self._ear.drop()
            await self._inner.aclose()
            self._executor.shutdown(wait=False, cancel_futures=True)

    async def _forward_input(self) -> None:
        async for frame in self._input_ch:
            if isinstance(frame, rtc.AudioFrame):
                self._inner.push_frame(frame)
                self._ear.hear(bytes(frame.data), frame.sample_rate, frame.num_channels)
            else:
                self._inner.flush()
        self._inner.end_input()
        await self._ear.finish()

    async def _events(self) -> None:
        async for event in self._inner:
            if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT and self._record is not None:
                for speech in event.alternatives:
                    speech.metadata = {**(speech.metadata or {}), METADATA: self._record}
                self._record = None
            self._event_ch.send_nowait(event)

    async def _tell(self, heard: Heard) -> None:
        state = heard.state
        self._record = {**heard.result.as_record(), "affect_state": state.as_record()}
        context = SerLiveContext(
            label=state.label,
            certainty=state.certainty,
            valence=state.valence,
            arousal=state.arousal,
            record=self._record,
            floor=self._floor,
            wrapped=self._inner.context,
        )
        context._heard = heard
        context._until_s = time.monotonic() + FRESH_S
        self.context = context
