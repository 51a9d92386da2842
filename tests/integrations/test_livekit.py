"""LiveKit: a wrapped speech-to-text that is fed with LiveKit's own audio frames.

The wrapped one is a stand-in: a real one needs a service.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("livekit.agents", reason="LiveKit is tried by `make integrations`")

import soundfile
import soxr
from livekit import rtc
from livekit.agents import stt
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS

import ser_live
from ser_live.errors import UsageError
from ser_live.integrations.livekit import SerLiveContext, with_emotion

RATE = 24_000

LONG_S = 120.0
"""Longest wait for what must come, on a busy machine."""


class Words(stt.STT):
    """Gives a transcript at every flush and at the end, once `may_answer` is set."""

    def __init__(self, *, streaming: bool = True) -> None:
        self.may_answer = asyncio.Event()
        super().__init__(
            capabilities=stt.STTCapabilities(streaming=streaming, interim_results=False)
        )

    async def _recognize_impl(self, buffer: Any, **_: Any) -> stt.SpeechEvent:
        return transcript("recognized")

    def stream(self, **_: Any) -> stt.RecognizeStream:
        return WordStream(stt=self, conn_options=DEFAULT_API_CONNECT_OPTIONS)


class WordStream(stt.RecognizeStream):
    async def _run(self) -> None:
        has_sound = False
        async for item in self._input_ch:
            if isinstance(item, rtc.AudioFrame):
                has_sound = True
            elif has_sound:
                has_sound = False
                await self._stt.may_answer.wait()  # a service takes some seconds
                self._event_ch.send_nowait(transcript("words"))


def transcript(text: str) -> stt.SpeechEvent:
    speech = stt.SpeechData(language="en", text=text, metadata={"own": 1})
    return stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[speech])


def audio_frames() -> list[rtc.AudioFrame]:
    path = Path(ser_live.__file__).parent / "acted" / "speech.ogg"
    samples, rate = soundfile.read(path, dtype="float32")
    samples = soxr.resample(samples, rate, RATE)[round(3.3 * RATE) : 7 * RATE]
    data = (samples * 32767).astype("<i2").tobytes() + b"\0\0" * RATE
    size = RATE // 100
    return [
        rtc.AudioFrame(data[n : n + 2 * size], RATE, 1, size)
        for n in range(0, len(data) - 2 * size + 1, 2 * size)
    ]


async def all_of(stream: Any, words: Words) -> list[stt.SpeechEvent]:
    """Events of a stream to its end; the transcript comes after the result, as from a service."""

    async def answer() -> None:
        while not getattr(stream.context, "record", None):
            await asyncio.sleep(0.05)
        words.may_answer.set()

    answering = asyncio.create_task(asyncio.wait_for(answer(), LONG_S))
    events = [event async for event in stream]
    await answering
    return events


async def heard() -> tuple[list[stt.SpeechEvent], Any]:
    words = Words()
    stream = with_emotion(words).stream()
    for frame in audio_frames():
        stream.push_frame(frame)
    stream.end_input()
    events = await all_of(stream, words)
    await stream.aclose()
    return events, stream.context


def test_transcripts_carry_the_tone_and_the_context_has_words() -> None:
    """The record stands beside the wrapped one's own; LiveKit itself takes the instructions."""
    events, context = asyncio.run(heard())
    (event,) = events
    metadata = event.alternatives[0].metadata
    assert metadata is not None
    assert metadata["own"] == 1
    assert metadata["ser_live"]["emotion"] == "happy"
    assert event.alternatives[0].text == "words"
    assert isinstance(context, SerLiveContext)
    assert isinstance(context, stt.SpeakerContext), "LiveKit asks for words by this"
    assert context.label in ("happy", "neutral")
    assert context.record["type"] == "emotion"
    assert context.model_dump()["certainty"] == context.certainty
    words = context.to_instructions()
    assert words == "" or words.startswith("Tone of voice, guessed")
    context.withdraw()
    assert context.to_instructions() == ""


def test_words_are_tentative_and_above_a_floor_alone() -> None:
    """A floor of 0 gives words, one of 1 none, and after a withdrawal there are none."""

    async def at(floor: float) -> SerLiveContext:
        words = Words()
        stream = with_emotion(words, floor=floor, pace="game").stream()
        for frame in audio_frames():
            stream.push_frame(frame)
        stream.end_input()
        await all_of(stream, words)
        context = stream.context
        await stream.aclose()
        assert isinstance(context, SerLiveContext)
        return context

    low, high = asyncio.run(at(0.0)), asyncio.run(at(1.0))
    assert high.to_instructions() == ""
    if low.label not in ("neutral", "calm"):
        assert f"perhaps {low.label}" in low.to_instructions()
        assert "Never mention it, never read it aloud" in low.to_instructions()


def test_the_wrapped_one_does_what_it_did() -> None:
    """Recognition of a whole buffer is its own, and one that does not stream is refused."""
    event = asyncio.run(with_emotion(Words()).recognize(audio_frames()))
    assert event.alternatives[0].text == "recognized"
    with pytest.raises(UsageError, match="StreamAdapter"):
        with_emotion(Words(streaming=False))


def test_a_stream_that_is_closed_early_ends() -> None:
    """Nothing hangs where nobody waits for the end."""

    async def early() -> None:
        stream = with_emotion(Words()).stream()
        for frame in audio_frames()[:200]:
            stream.push_frame(frame)
        await asyncio.wait_for(stream.aclose(), 10.0)

    asyncio.run(early())
