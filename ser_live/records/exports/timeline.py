"""A session laid out in time: stretches with plain words, by stream.

Streams that run side by side, such as the two channels of a call, share a clock. Those that
come one after the other, such as several recordings, are laid one behind the other, unless one
stream is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from ser_live.errors import LogError
from ser_live.events import (
    Drop,
    EmotionResult,
    Kind,
    Mark,
    Note,
    OfStream,
    Recorded,
    SessionStarted,
    SourceFailed,
    StateChanged,
    StreamEnded,
    StreamGap,
    StreamId,
    StreamState,
)
from ser_live.records.exports.plain import plain
from ser_live.records.log_entries import LogGap


class Part(Enum):
    """Part that a stretch has in its stream."""

    SPEECH = "speech"
    """An utterance, named or not, or one that was not analyzed."""
    OTHER_SOUND = "other sound"
    """A sound that is not speech."""
    MISSING = "missing"
    """Nothing was heard: a gap, or zeros alone."""
    MARK = "mark"
    """A moment that was marked; it has no length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A piece of a stream, in milliseconds since the beginning of the timeline."""

    part: Part
    start_ms: int
    end_ms: int
    """Later than `start_ms`, but for a mark."""
    label: str
    """The emotion, or in plain words why none is named; one line."""
    confidence: float | None = None
    """Probability of the emotion."""
    guess: str | None = None
    """The most probable label of an utterance that is too uncertain for it."""


@dataclass(slots=True, kw_only=True)
class TimedStream:
    """One stream of a timeline."""

    stream: StreamId
    name: str
    """Unique in the timeline, one line: the role, or the source and its channel."""
    offset_ms: int = 0
    """Beginning on the timeline."""
    length_ms: int = 0
    stretches: list[Stretch] = field(default_factory=list)
    """In the order of their starts."""

    @property
    def end_ms(self) -> int:
        return self.offset_ms + self.length_ms


@dataclass(slots=True, kw_only=True)
class Timeline:
    """A whole session."""

    started: SessionStarted | None = None
    streams: list[TimedStream] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """Sentences about what has no place in time."""

    @property
    def length_ms(self) -> int:
        return max((stream.end_ms for stream in self.streams), default=0)

    def in_order(self) -> Iterator[tuple[TimedStream, Stretch]]:
        """Every stretch with its stream, by time."""
        found = [(stream, piece) for stream in self.streams for piece in stream.stretches]
        found.sort(key=lambda item: (item[1].start_ms, item[1].end_ms, item[0].stream.number))
        return iter(found)

    def speaker(self, stream: TimedStream) -> str:
        """Name of a stream where it is not the only one, else empty."""
        return stream.name if len(self.streams) > 1 else ""


def lay_out(entries: Iterable[Recorded], only: int | None = None) -> Timeline:
    """Lay out the entries of one session's log, whether it ended or not.

    Parameters
    ----------
    entries : iterable of Recorded
    only : int, optional
        Number of the one stream wanted; its beginning is then that of the timeline.

    Raises
    ------
    LogError
        There is no such stream.
    """
    layout = _Layout(only)
    for entry in entries:
        layout.add(entry)
    return layout.finished()


class _Layout:
    def __init__(self, only: int | None) -> None:
        self._only = only
        self._timeline = Timeline()
        self._streams: dict[int, TimedStream] = {}
        self._open: set[int] = set()
        self._silent_since_ms: dict[int, int] = {}
        self._front_ms = 0
        """Beginning of the streams that are open, or of the next one."""
        self._n_rounds = 0
        """Times that a stream began while none was open."""
        self._n_unlogged = 0

    def add(self, entry: Recorded) -> None:
        match entry:
            case SessionStarted():
                self._timeline.started = self._timeline.started or entry
            case SourceFailed():
                self._timeline.remarks.append(f"not heard: {plain(entry.message)}")
            case LogGap():
                self._n_unlogged += entry.n_events
            case OfStream():
                self._add_of_stream(entry)
            case _:
                pass  # the others have no place in time

    def _add_of_stream(self, entry: OfStream) -> None:
        number = entry.stream.number
        if self._only is not None and number != self._only:
            return
        stream = self._streams.get(number)
        if stream is None:  # a log that goes on elsewhere repeats how its streams began
            stream = self._begun(entry.stream)
        match entry:
            case StateChanged():
                self._change_state(stream, entry)
            case StreamEnded():
                self._reach(stream, _ms(entry.duration_s))
                self._end_silence(stream, stream.length_ms)
                self._open.discard(number)
            case EmotionResult(kind=Kind.FINAL):
                self._put(stream, _judged(entry), entry.start_s, entry.end_s)
            case Drop(kind=Kind.FINAL):
                self._put(stream, (Part.SPEECH, "dropped", None, None), entry.start_s, entry.end_s)
            case StreamGap():
                what = (Part.MISSING, f"gap ({entry.cause})", None, None)
                self._put(stream, what, entry.start_s, entry.start_s + entry.duration_s)
            case Mark():
                what = (Part.MARK, plain(entry.label), None, None)
                self._put(stream, what, entry.start_s, entry.start_s)
            case Note():
                what = (Part.MARK, plain(f"note: {entry.words}"), None, None)
                self._put(stream, what, entry.start_s, entry.start_s)
            case _:
                pass  # partial results, and what is said of the device in other entries too

    def _begun(self, stream: StreamId) -> TimedStream:
        if not self._open:
            self._front_ms = max((s.end_ms for s in self._streams.values()), default=0)
            self._n_rounds += 1
        self._open.add(stream.number)
        begun = TimedStream(stream=stream, name=self._unused_name(stream), offset_ms=self._front_ms)
        self._streams[stream.number] = begun
        self._timeline.streams.append(begun)
        return begun

    def _unused_name(self, stream: StreamId) -> str:
        name = plain(stream.role or "")
        if not name:
            name = plain(stream.source) or f"stream {stream.number}"
            if stream.channel is not None:
                name += f" channel {stream.channel + 1}"
        taken = {other.name for other in self._timeline.streams}
        return f"{name} (stream {stream.number})" if name in taken else name

    def _change_state(self, stream: TimedStream, entry: StateChanged) -> None:
        at_ms = _ms(entry.start_s)
        self._end_silence(stream, at_ms)
        self._reach(stream, at_ms)
        if entry.state is StreamState.NO_SIGNAL:
            self._silent_since_ms[stream.stream.number] = at_ms

    def _end_silence(self, stream: TimedStream, at_ms: int) -> None:
        since_ms = self._silent_since_ms.pop(stream.stream.number, None)
        if since_ms is not None and at_ms > since_ms:
            what = (Part.MISSING, StreamState.NO_SIGNAL.value, None, None)
            self._put(stream, what, since_ms / 1000, at_ms / 1000)

    def _put(self, stream: TimedStream, what: _What, start_s: float, end_s: float) -> None:
        part, label, confidence, guess = what
        start_ms = _ms(start_s)
        end_ms = start_ms if part is Part.MARK else max(_ms(end_s), start_ms + 1)
        self._reach(stream, end_ms)
        stream.stretches.append(
            Stretch(
                part=part,
                start_ms=stream.offset_ms + start_ms,
                end_ms=stream.offset_ms + end_ms,
                label=label,
                confidence=confidence,
                guess=guess,
            )
        )

    def _reach(self, stream: TimedStream, at_ms: int) -> None:
        stream.length_ms = max(stream.length_ms, at_ms)

    def finished(self) -> Timeline:
        timeline = self._timeline
        if self._only is not None and not timeline.streams:
            raise LogError(
                f"Found no stream {self._only} in the log, but one of its streams is needed: leave "
                "out --stream, or see the field stream in the log."
            )
        for stream in timeline.streams:
            self._end_silence(stream, stream.length_ms)
            stream.stretches.sort(key=lambda piece: (piece.start_ms, piece.end_ms))
        if self._n_rounds > 1:
            timeline.remarks.append(
                f"{self._n_rounds} sources that were heard one after the other stand so in time: "
                "--stream N gives one by itself."
            )
        if self._n_unlogged:
            timeline.remarks.append(
                f"{self._n_unlogged} events are missing, for the log could not be written then."
            )
        return timeline


_What = tuple[Part, str, float | None, str | None]


def _judged(result: EmotionResult) -> _What:
    if result.emotion is not None:
        return Part.SPEECH, plain(result.emotion), result.confidence, None
    part = Part.OTHER_SOUND if result.state.value == "not speech" else Part.SPEECH
    if result.state.value != "uncertain" or result.best is None:
        return part, result.state.value, None, None
    return part, result.state.value, result.confidence, plain(result.best)


def _ms(position_s: float) -> int:
    return round(position_s * 1000)
