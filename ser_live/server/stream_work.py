"""Sound of one session in, events out: the part that works in the threads of the pool."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ser_live.config import Settings
from ser_live.errors import SerLiveError
from ser_live.events import (
    Drop,
    Kind,
    Mark,
    Note,
    StreamEvent,
    StreamId,
    Utterance,
    samples,
)
from ser_live.model.emotion_model import EmotionModel
from ser_live.records.tally import Tally
from ser_live.server.load import Load
from ser_live.server.pool import Urgency
from ser_live.server.protocol import Start
from ser_live.server.sound_queue import Ask as Ask
from ser_live.server.sound_queue import Input, SoundQueue
from ser_live.session.player import wall_time
from ser_live.speaker.profile import SpeakerProfile
from ser_live.stream.analysis import AnalysisStage
from ser_live.stream.emotion_state import EmotionState
from ser_live.stream.segmented import Segmented
from ser_live.stream.segmenting import SegmentingStage

PATIENCE_S = 0.3
"""Time that live sound waits before the partial results in front of it are given up, in seconds."""


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
    load : Load or None
        That of a process which does the steps of all its sessions in one thread; without it no
        partial result is rationed.
    """

    def __init__(
        self,
        start: Start,
        model: EmotionModel,
        settings: Settings,
        profile: SpeakerProfile | None,
        tell: Callable[[Sequence[Outcome]], None],
        load: Load | None = None,
    ) -> None:
        with_partials = start.results != "final" or start.state is not None
        self._start = start
        self._pace = start.state
        self._tell = tell
        self._load = load
        self._gives_up = start.overrun == "gap"
        self._lock = threading.Lock()
        self._inputs = SoundQueue(start.sample_rate)
        self._items: deque[_Item] = deque()
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
                with_partials=with_partials,
                with_levels=start.results == "all" or start.tells_others or self._pace is not None,
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
        return self._inputs.n_samples / self._inputs.rate_hz

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

    @property
    def soonest_s(self) -> float:
        """Sound that came, before whose end no utterance can become final, in seconds."""
        return min(stage.soonest_final for stage in self._stages) / 16_000

    def put(self, item: Input, came_s: float | None = None) -> None:
        """Add sound, a note of lost sound, or a request; as for `SoundQueue`."""
        self._inputs.put(item, came_s)

    def give_up(self, keep_s: float) -> None:
        """Give up the oldest sound that waits, and put a note of it in its place."""
        self._inputs.give_up(keep_s)

    def abandon(self) -> None:
        """Give up everything that waits."""
        with self._lock:
            self._inputs.clear()
            self._items.clear()

    def urgency(self) -> Urgency | None:
        with self._lock:
            item = self._items[0] if self._items else None
        if item is None:
            return self._urgency_of_sound() if len(self._inputs) else None
        is_partial = _is_partial(item) and not self._is_given_up()
        return Urgency.PARTIAL if is_partial else Urgency.FINAL

    def _urgency_of_sound(self) -> Urgency:
        # What comes faster than it is spoken has time; those who speak at this moment have none.
        has_time = self._load is not None and not self._is_live
        return Urgency.PARTIAL if has_time else Urgency.FINAL

    @property
    def _is_live(self) -> bool:
        return self._gives_up or self._inputs.is_live

    def _is_given_up(self) -> bool:
        """Whether a partial result of live sound would cost final results too much.

        It would where sound waits behind it for long, or where too much is to be done already.
        """
        if not self._is_live:
            return False
        is_rationed = self._load is not None and not self._load.spares_partials
        return is_rationed or self._inputs.waited_s() > PATIENCE_S

    # -- a thread of the pool

    def step(self) -> None:
        """Judge the next utterance and give what stands before it, or hear the next sound."""
        began_s = time.monotonic()
        outcomes: list[Outcome] = []
        is_owed = self._is_live
        try:
            was_heard = not self._items
            if was_heard:
                self._hear()
            while self._items:
                with self._lock:
                    if was_heard and self._items and _is_partial(self._items[0]):
                        break  # a final result of somebody else goes first
                    item = self._items.popleft() if self._items else None
                if item is None:  # abandoned meanwhile
                    break
                if isinstance(item, Done):
                    outcomes.append(item)
                    continue
                if _is_partial(item):
                    if self._is_given_up():
                        outcomes.append(self._dropped(*item))
                        continue
                    is_owed = False
                outcomes += self._judge(*item)
                if isinstance(item[1], Utterance):
                    break
        except (SerLiveError, ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
            self.abandon()
            outcomes.append(Failed(error))
        if self._load is not None:
            self._load.note(began_s, time.monotonic(), is_owed=is_owed)
        if outcomes:
            self._tell(outcomes)
        elif not len(self._inputs):
            self._tell(())

    def _judge(self, number: int, item: Segmented) -> list[Outcome]:
        event = self._analyses[number].take(item)
        state = self._states[number]
        self.tally.add(event)
        shown: list[Outcome] = [event] if self._is_shown(event) else []
        return [*shown, *(state.take(event) if state is not None else [])]

    def _dropped(self, number: int, item: Segmented) -> Drop:
        """Make what stands in the place of a partial result that was given up."""
        assert isinstance(item, Utterance)  # noqa: S101  the caller looked
        drop = Drop(
            stream=item.stream,
            id=item.id,
            kind=item.kind,
            start_sample=item.start_sample,
            end_sample=item.end_sample,
        )
        self.tally.add(drop)
        return drop

    def _is_shown(self, event: StreamEvent) -> bool:
        return self._start.tells_others or self._start.shows(event)

    def _hear(self) -> None:
        following = self._inputs.next()
        if following is None:
            return
        item = following[0]
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

    def _heard(self, stage: SegmentingStage, item: Input) -> list[Segmented]:
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


def _is_partial(item: _Item) -> bool:
    """Whether an item is an utterance that goes on."""
    return (
        isinstance(item, tuple) and isinstance(item[1], Utterance) and item[1].kind is Kind.PARTIAL
    )
