"""Sound of one session in, events out: the part that works in the threads of the pool."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ser_live.config import Settings
from ser_live.errors import SerLiveError
from ser_live.events import (
    Cause,
    EmotionResult,
    Kind,
    Level,
    Mark,
    Note,
    SpeechStarted,
    StreamEvent,
    StreamId,
    Utterance,
    samples,
)
from ser_live.model.emotion_model import EmotionModel
from ser_live.records.tally import Tally
from ser_live.server.pool import Urgency
from ser_live.server.protocol import Start
from ser_live.session.player import wall_time
from ser_live.sources import Lost
from ser_live.speaker.profile import SpeakerProfile
from ser_live.stream.analysis import AnalysisStage
from ser_live.stream.emotion_state import EmotionState
from ser_live.stream.segmenting import Segmented, SegmentingStage

STEP_S = 0.5
"""Most sound that is looked through in one step, in seconds."""


@dataclass(frozen=True)
class Ask:
    """A request at its place in the sound."""

    type: str
    """``flush``, ``reset``, ``mark``, ``note``, ``pause`` or ``end``."""
    request: str | None = None
    label: str = ""
    """Label of a mark, or text of a note."""
    start_s: float | None = None
    rating: int | None = None


@dataclass(frozen=True)
class Done:
    """A request was done; everything heard before it was reported."""

    ask: Ask
    end_s: float


@dataclass(frozen=True)
class Failed:
    """A step failed; the session cannot go on."""

    error: Exception


Outcome: TypeAlias = StreamEvent | Done | Failed

_Input: TypeAlias = "NDArray[np.float32] | Lost | Ask"
_Item: TypeAlias = "tuple[int, Segmented] | Done"


class StreamWork:
    """The streams of one session, side by side; a job of the pool.

    Parameters
    ----------
    start : Start
        What the client asked for.
    model : EmotionModel
    settings : Settings
    profile : SpeakerProfile or None
    tell : callable
        Takes the outcomes of a step, in the pool's thread.
    """

    def __init__(
        self,
        start: Start,
        model: EmotionModel,
        settings: Settings,
        profile: SpeakerProfile | None,
        tell: Callable[[Sequence[Outcome]], None],
    ) -> None:
        self._rate = start.sample_rate
        self._with_partials = start.results != "final" or start.state is not None
        self._shows_partials = start.results != "final"
        self._shows_all = start.results == "all"
        self._pace = start.state
        self._tell = tell
        self._lock = threading.Lock()
        self._inputs: deque[_Input] = deque()
        self._items: deque[_Item] = deque()
        self._n_waiting = 0
        """Native samples that wait."""
        self.tally = Tally()
        heard: dict[int | None, str | None] = {n - 1: role for n, role in start.roles.items()}
        if not heard:
            heard[None if start.channel is None else start.channel - 1] = None
        names = [
            StreamId(number=number, source=start.source, channel=channel, role=role)
            for number, (channel, role) in enumerate(heard.items(), 1)
        ]
        self._stages = [
            SegmentingStage(
                settings,
                stream=name,
                sample_rate=start.sample_rate,
                n_channels=start.channels,
                started_at=wall_time(),
                no_signal_message=f"only zeros arrive: check what is sent to {name.source}.",
                clock=time.monotonic,
                with_levels=self._shows_all or self._pace is not None,
            )
            for name in names
        ]
        self._analyses = [
            AnalysisStage(model, settings, stream=name, profile=profile, clock=time.monotonic)
            for name in names
        ]
        self._states = [None if self._pace is None else EmotionState(self._pace) for _ in names]
        for number, stage in enumerate(self._stages):
            self._items.extend((number, item) for item in stage.start())

    # -- any thread

    @property
    def backlog_s(self) -> float:
        """Sound that waits, in seconds."""
        return self._n_waiting / self._rate

    @property
    def n_blocks(self) -> int:
        """Blocks and requests that wait."""
        return len(self._inputs)

    @property
    def n_waiting(self) -> int:
        """Utterances that wait for analysis."""
        with self._lock:
            return sum(
                isinstance(item, tuple) and isinstance(item[1], Utterance) for item in self._items
            )

    @property
    def position_s(self) -> float:
        """Sound that was looked through, gaps included, in seconds."""
        return max(stage.position for stage in self._stages) / 16_000

    def put(self, item: _Input) -> None:
        """Add sound, a note of lost sound, or a request."""
        with self._lock:
            self._inputs.append(item)
            if isinstance(item, np.ndarray):
                self._n_waiting += len(item)

    def give_up(self, keep_s: float) -> None:
        """Give up the oldest sound that waits, and put a note of it in its place."""
        with self._lock:
            n_extra = self._n_waiting - round(keep_s * self._rate)
            kept: deque[_Input] = deque()
            while n_extra > 0 and self._inputs:
                item = self._inputs.popleft()
                if not isinstance(item, np.ndarray):
                    kept.append(item)
                    continue
                n_lost = min(n_extra, len(item))
                n_extra -= n_lost
                self._n_waiting -= n_lost
                _add_lost(kept, n_lost)
                if n_lost < len(item):
                    kept.append(item[n_lost:])
            self._inputs.extendleft(reversed(kept))

    def abandon(self) -> None:
        """Give up everything that waits."""
        with self._lock:
            self._inputs.clear()
            self._items.clear()
            self._n_waiting = 0

    def urgency(self) -> Urgency | None:
        with self._lock:
            if not self._items:
                return Urgency.FINAL if self._inputs else None
            item = self._items[0]
        is_partial = (
            isinstance(item, tuple)
            and isinstance(item[1], Utterance)
            and item[1].kind is Kind.PARTIAL
        )
        return Urgency.PARTIAL if is_partial else Urgency.FINAL

    # -- a thread of the pool

    def step(self) -> None:
        """Judge the next utterance and give what stands before it, or hear the next sound."""
        outcomes: list[Outcome] = []
        try:
            if not self._items:
                self._hear()
            while self._items:
                with self._lock:
                    item = self._items.popleft() if self._items else None
                if item is None:  # abandoned meanwhile
                    break
                if isinstance(item, Done):
                    outcomes.append(item)
                    continue
                outcomes += self._judge(*item)
                if isinstance(item[1], Utterance):
                    break
        except (SerLiveError, ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
            self.abandon()
            outcomes.append(Failed(error))
        if outcomes:
            self._tell(outcomes)
        elif not self._inputs:
            self._tell(())

    def _judge(self, number: int, item: Segmented) -> list[Outcome]:
        is_partial = isinstance(item, Utterance) and item.kind is Kind.PARTIAL
        if is_partial and not self._with_partials:
            return []
        event = self._analyses[number].take(item)
        state = self._states[number]
        self.tally.add(event)
        shown: list[Outcome] = [event] if self._is_shown(event) else []
        return [*shown, *(state.take(event) if state is not None else [])]

    def _is_shown(self, event: StreamEvent) -> bool:
        if isinstance(event, Level | SpeechStarted):
            return self._shows_all
        is_partial = isinstance(event, EmotionResult) and event.kind is Kind.PARTIAL
        return self._shows_partials or not is_partial

    def _hear(self) -> None:
        with self._lock:
            if not self._inputs:
                return
            item = self._inputs.popleft()
            if isinstance(item, np.ndarray):
                item = self._joined(item)
        found: list[_Item] = []
        for number, stage in enumerate(self._stages):
            found += [(number, heard) for heard in self._heard(stage, item)]
        if isinstance(item, Ask):
            if item.type == "reset":
                for number, analysis in enumerate(self._analyses):
                    analysis.forget()
                    self._states[number] = EmotionState(self._pace) if self._pace else None
            found.append(Done(item, self.position_s))
        with self._lock:
            self._items.extend(found)

    def _joined(self, first: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sound for one step: what waits next, from many small blocks or a part of a large one."""
        n_step = max(1, round(STEP_S * self._rate))
        blocks, n = [first], len(first)
        while n < n_step and self._inputs and isinstance(self._inputs[0], np.ndarray):
            block = self._inputs.popleft()
            assert isinstance(block, np.ndarray)  # noqa: S101  looked at just before
            blocks.append(block)
            n += len(block)
        whole = np.concatenate(blocks) if len(blocks) > 1 else first
        if n > n_step:
            self._inputs.appendleft(whole[n_step:])
        self._n_waiting -= min(n, n_step)
        return whole[:n_step]

    def _heard(self, stage: SegmentingStage, item: _Input) -> list[Segmented]:
        if not isinstance(item, Ask):
            return stage.push(item)
        if item.type in ("flush", "pause"):
            return stage.flush()
        if item.type == "end":
            return stage.close()
        if item.type == "mark":
            at = stage.position if item.start_s is None else samples(item.start_s)
            return [Mark(stream=stage.stream, sample=min(at, stage.position), label=item.label)]
        if item.type == "note":
            note = Note(
                stream=stage.stream, sample=stage.position, text=item.label, rating=item.rating
            )
            return [note]
        return []


def _add_lost(kept: deque[_Input], n_lost: int) -> None:
    """Note lost samples, joined with those lost just before."""
    if kept and isinstance(kept[-1], Lost):
        kept[-1] = Lost(kept[-1].n_samples + n_lost, Cause.OVERFLOW)
    else:
        kept.append(Lost(n_lost, Cause.OVERFLOW))
