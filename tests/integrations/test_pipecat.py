"""Pipecat: the processor in a real pipeline, run by Pipecat's own test helper."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pipecat", reason="Pipecat is tried by `make integrations`")

import soundfile
import soxr
from pipecat.frames.frames import (
    CancelFrame,
    DataFrame,
    Frame,
    InputAudioRawFrame,
    TextFrame,
    TranscriptionFrame,
    UserAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.tests.utils import run_test

import ser_live
from ser_live.integrations.pipecat import SerLiveEmotionFrame, SerLiveProcessor

RATE = 16_000
BLOCK = 320
"""Samples of a frame: 20 ms, as transports give them."""

LONG_S = 120.0
"""Longest wait for what must come, on a busy machine."""


@pytest.fixture(scope="module")
def speech() -> bytes:
    """One acted sentence, said happily, then a second without sound."""
    path = Path(ser_live.__file__).parent / "acted" / "speech.ogg"
    samples, rate = soundfile.read(path, dtype="float32")
    samples = soxr.resample(samples, rate, RATE)[round(3.3 * RATE) : 7 * RATE]
    return bytes((samples * 32767).astype("<i2").tobytes() + b"\0\0" * RATE)


def frames_of(speech: bytes, user: str | None = None) -> list[Any]:
    blocks = [speech[n : n + 2 * BLOCK] for n in range(0, len(speech), 2 * BLOCK)]
    if user is None:
        return [InputAudioRawFrame(audio=b, sample_rate=RATE, num_channels=1) for b in blocks]
    return [
        UserAudioRawFrame(audio=b, sample_rate=RATE, num_channels=1, user_id=user) for b in blocks
    ]


def finals_of(speech: bytes) -> list[ser_live.EmotionResult]:
    analyzer = ser_live.Analyzer(RATE)
    events = [*analyzer.push(speech), *analyzer.close()]
    return [e for e in events if isinstance(e, ser_live.EmotionResult) and e.kind == "final"]


def passed(processor: SerLiveProcessor, frames: list[Any], **more: Any) -> list[Any]:
    down, _ = asyncio.run(run_test(processor, frames_to_send=frames, start_timeout=30.0, **more))
    return list(down)


@dataclass
class Wait(DataFrame):
    """Let nothing pass until there is a final result of a user."""

    user: str


class Told:
    """Users of whom a final result came out, for what waits in front of the processor."""

    def __init__(self) -> None:
        self.users: set[str] = set()
        self.news = asyncio.Condition()


class Gate(FrameProcessor):  # type: ignore[misc]  untyped here
    """Keeps everything back behind a `Wait`, which is not passed on."""

    def __init__(self, told: Told) -> None:
        super().__init__()
        self._told = told

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, Wait):
            await self.push_frame(frame, direction)
            return
        async with self._told.news:
            await asyncio.wait_for(
                self._told.news.wait_for(lambda: frame.user in self._told.users), LONG_S
            )


class Counter(FrameProcessor):  # type: ignore[misc]  untyped here
    """Notes whose final results pass."""

    def __init__(self, told: Told) -> None:
        super().__init__()
        self._told = told

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, SerLiveEmotionFrame) and frame.result.kind == "final":
            async with self._told.news:
                self._told.users.add(frame.user_id)
                self._told.news.notify_all()


def passed_in_steps(processor: SerLiveProcessor, frames: list[Any]) -> list[Any]:
    """What comes out where some of the frames wait for results."""

    async def run() -> list[Any]:
        told = Told()
        pipeline = Pipeline([Gate(told), processor, Counter(told)])
        down, _ = await run_test(pipeline, frames_to_send=frames, start_timeout=30.0)
        return list(down)

    return asyncio.run(run())


def transcription(user: str, text: str = "Kids are talking by the door.") -> TranscriptionFrame:
    return TranscriptionFrame(text=text, user_id=user, timestamp="2026-01-01T00:00:00Z")


def test_results_are_those_of_a_replay_and_nothing_is_lost(speech: bytes) -> None:
    """Every frame comes out in its order; the results are bit for bit those of an `Analyzer`."""
    frames = frames_of(speech)
    down = passed(SerLiveProcessor(), [*frames, TextFrame("words")])
    sound = [frame for frame in down if isinstance(frame, InputAudioRawFrame)]
    assert [frame.audio for frame in sound] == [frame.audio for frame in frames]
    assert any(isinstance(frame, TextFrame) for frame in down)
    told = [frame for frame in down if isinstance(frame, SerLiveEmotionFrame)]
    wanted = finals_of(speech)
    assert [f.result.probabilities for f in told] == [e.probabilities for e in wanted]
    assert [f.result.emotion for f in told] == ["happy"]
    assert told[-1].state.probabilities is not None
    assert not told[0].interruptible


def test_a_transcription_carries_the_result_once(speech: bytes) -> None:
    """That of the same speech does; the next one, as of typed words, does not."""
    frames = [*frames_of(speech), Wait(""), transcription(""), transcription("")]
    down = passed_in_steps(SerLiveProcessor(), frames)
    first, second = (frame for frame in down if type(frame) is TranscriptionFrame)
    about = first.metadata["ser_live"]
    assert about["emotion"] == "happy"
    assert about["affect_state"]["type"] == "affect_state"
    assert about["wording"].startswith("Tone of voice, guessed by a program")
    assert "Never mention it" in about["wording"]
    assert "ser_live" not in second.metadata
    assert first.text == "Kids are talking by the door."


def test_users_are_heard_apart(speech: bytes) -> None:
    """Two who speak at once are two streams, and each transcription is of its own user."""
    pairs = zip(frames_of(speech, "anna"), frames_of(speech[::-1], "ben"), strict=True)
    frames = [frame for pair in pairs for frame in pair]
    down = passed_in_steps(
        SerLiveProcessor(with_partials=True),
        [*frames, Wait("anna"), transcription("anna"), transcription("carl")],
    )
    told = [frame for frame in down if isinstance(frame, SerLiveEmotionFrame)]
    finals = {f.user_id: f.result.emotion for f in told if f.result.kind == "final"}
    assert finals["anna"] == "happy"
    assert {f.result.kind.value for f in told} == {"partial", "final"}
    of_anna, of_carl = (frame for frame in down if type(frame) is TranscriptionFrame)
    assert of_anna.metadata["ser_live"]["emotion"] == "happy"
    assert "ser_live" not in of_carl.metadata


def test_a_cancelled_pipeline_ends_at_once(speech: bytes) -> None:
    """What was not told is given up."""
    frames = [*frames_of(speech), CancelFrame()]
    down = passed(SerLiveProcessor(), frames, send_end_frame=False)
    assert len([f for f in down if isinstance(f, SerLiveEmotionFrame)]) <= 2


def test_sound_that_cannot_be_heard_harms_nobody() -> None:
    """Impossible rates and no bytes pass like everything else."""
    odd = [
        InputAudioRawFrame(audio=b"", sample_rate=RATE, num_channels=1),
        InputAudioRawFrame(audio=b"\0\0\0", sample_rate=RATE, num_channels=1),
        InputAudioRawFrame(audio=b"\0\0" * 100, sample_rate=1, num_channels=1),
        InputAudioRawFrame(audio=b"\0\0" * 100, sample_rate=8000, num_channels=2),
    ]
    down = passed(SerLiveProcessor(), [*odd, TextFrame("on")])
    assert len([f for f in down if isinstance(f, InputAudioRawFrame)]) == len(odd)
    assert any(isinstance(frame, TextFrame) for frame in down)
