"""Everything that a report tells of a session, read from its log and laid out in time.

Streams that run side by side share a clock; those that come one after the other are laid one
behind the other, as in exports.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ser_live.events import (
    DeviceFound,
    DeviceLost,
    Drop,
    EmotionResult,
    Kind,
    Mark,
    Note,
    Notice,
    OfStream,
    Recorded,
    SessionEnded,
    SessionStarted,
    SourceFailed,
    StateChanged,
    StreamEnded,
    StreamGap,
    StreamId,
    StreamNotice,
    StreamStarted,
    StreamState,
)
from ser_live.records.corrections import Correction
from ser_live.records.log_entries import LogGap


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A final result with its place on the session's clock."""

    result: EmotionResult
    track: int
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a stream of which nothing is known."""

    track: int
    start_s: float
    end_s: float
    cause: str
    """Reason, as logs name it; ``dropped`` for what was not analyzed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A mark or a note of a person or a program."""

    kind: str
    """``mark`` or ``note``."""
    start_s: float
    """Place on the session's clock."""
    text: str
    source: str = ""
    """Maker of a mark: ``user``, ``api``, ``file``; empty for a note."""
    rating: int | None = None


@dataclass(slots=True, kw_only=True)
class Part:
    """One stream of a session."""

    stream: StreamId
    track: int
    """Place among the streams that ran side by side with it, from 0."""
    offset_s: float
    """Beginning on the session's clock."""
    length_s: float = 0.0
    started: StreamStarted | None = None

    @property
    def end_s(self) -> float:
        return self.offset_s + self.length_s


@dataclass(slots=True, kw_only=True)
class SessionData:
    """A whole session as a report needs it."""

    path: Path
    started: SessionStarted | None = None
    ended: SessionEnded | None = None
    parts: list[Part] = field(default_factory=list)
    utterances: list[Judged] = field(default_factory=list)
    """Final results by time."""
    missing: list[Stretch] = field(default_factory=list)
    """Gaps, muted stretches, and what was not analyzed."""
    remarks: list[Remark] = field(default_factory=list)
    """Marks and notes by time."""
    corrections: list[Correction] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    """Sentences that the session said about its signal, sources and outputs."""
    devices: list[str] = field(default_factory=list)
    """Microphones that stood in, by their order."""
    n_device_losses: int = 0
    n_unlogged: int = 0
    """Events that could not be written."""
    n_unread: int = 0
    """Labels beside the log that are not whole, and are left out."""
    sentences: list[str] = field(default_factory=list)
    """Sentences about the log itself: cut off, continued, without its beginning."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's labels in its order, and behind them those found beside them."""
        found = dict.fromkeys(self.started.labels if self.started else ())
        for judged in self.utterances:
            if judged.result.probabilities is not None:
                found.update(dict.fromkeys(judged.result.labels))
        return tuple(found)

    @property
    def length_s(self) -> float:
        """Length of the session's clock."""
        return max((part.end_s for part in self.parts), default=0.0)

    @property
    def heard_s(self) -> float:
        """Length of all streams, those that ran side by side counted singly."""
        return sum(part.length_s for part in self.parts)

    @property
    def n_tracks(self) -> int:
        return max((part.track + 1 for part in self.parts), default=0)

    def part_of(self, number: int) -> Part | None:
        """The stream of that number."""
        return next((part for part in self.parts if part.stream.number == number), None)


class Collector:
    """Takes the entries of a log in their order and gives the session that they tell of."""

    def __init__(self, path: Path) -> None:
        self.data = SessionData(path=path)
        self._parts: dict[int, Part] = {}
        self._open: dict[int, int] = {}
        """Tracks of the streams that are open, by their number."""
        self._muted_since_s: dict[int, float] = {}

    def add_all(self, entries: Iterable[Recorded]) -> None:
        """Take many entries."""
        for entry in entries:
            self.add(entry)

    def add(self, entry: Recorded) -> None:
        """Take one entry; those that a report does not tell of are passed over."""
        data = self.data
        match entry:
            case EmotionResult(kind=Kind.PARTIAL):
                pass
            case OfStream():
                self._add_of_stream(entry)
            case SessionStarted():
                data.started = data.started or entry
            case SessionEnded():
                data.ended = entry
            case SourceFailed() | Notice():
                data.notices.append(entry.message)
            case LogGap():
                data.n_unlogged += entry.n_events
            case _:
                pass

    def _add_of_stream(self, entry: OfStream) -> None:
        data = self.data
        part = self._part(entry)
        track, offset_s = part.track, part.offset_s
        match entry:
            case StreamStarted():
                part.started = part.started or entry
            case StreamEnded():
                self._reach(part, entry.duration_s)
                self._end_mute(part, part.length_s)
                self._open.pop(entry.stream.number, None)
            case StateChanged():
                self._end_mute(part, entry.start_s)
                self._reach(part, entry.start_s)
                if entry.state is StreamState.NO_SIGNAL:
                    self._muted_since_s[entry.stream.number] = entry.start_s
            case EmotionResult():
                self._reach(part, entry.end_s)
                start_s, end_s = offset_s + entry.start_s, offset_s + entry.end_s
                data.utterances.append(
                    Judged(result=entry, track=track, start_s=start_s, end_s=end_s)
                )
            case Drop(kind=Kind.FINAL):
                self._miss(part, entry.start_s, entry.end_s, "dropped")
            case StreamGap():
                end_s = entry.start_s + entry.duration_s
                self._miss(part, entry.start_s, end_s, str(entry.cause.value))
            case Mark():
                self._reach(part, entry.start_s)
                at_s, source = offset_s + entry.start_s, entry.source.value
                data.remarks.append(
                    Remark(kind="mark", start_s=at_s, text=entry.label, source=source)
                )
            case Note():
                self._reach(part, entry.start_s)
                at_s = offset_s + entry.start_s
                data.remarks.append(
                    Remark(kind="note", start_s=at_s, text=entry.text, rating=entry.rating)
                )
            case StreamNotice():
                data.notices.append(entry.message)
            case DeviceLost():
                data.n_device_losses += 1
            case DeviceFound():
                data.devices.append(entry.device)
            case _:
                pass

    def _part(self, entry: OfStream) -> Part:
        number = entry.stream.number
        part = self._parts.get(number)
        if part is None:  # a log that goes on elsewhere repeats how its streams began
            front_s = 0.0
            if self._open:
                front_s = min(self._parts[n].offset_s for n in self._open)
            elif self._parts:
                front_s = max(p.end_s for p in self._parts.values())
            taken = set(self._open.values())
            track = next(n for n in range(len(taken) + 1) if n not in taken)
            part = Part(stream=entry.stream, track=track, offset_s=front_s)
            self._parts[number] = part
            self._open[number] = track
            self.data.parts.append(part)
        return part

    def _miss(self, part: Part, start_s: float, end_s: float, cause: str) -> None:
        self._reach(part, end_s)
        self.data.missing.append(
            Stretch(
                track=part.track,
                start_s=part.offset_s + start_s,
                end_s=part.offset_s + end_s,
                cause=cause,
            )
        )

    def _end_mute(self, part: Part, at_s: float) -> None:
        since_s = self._muted_since_s.pop(part.stream.number, None)
        if since_s is not None and at_s > since_s:
            self._miss(part, since_s, at_s, StreamState.NO_SIGNAL.value)

    def _reach(self, part: Part, at_s: float) -> None:
        part.length_s = max(part.length_s, at_s)

    def finished(self) -> SessionData:
        """The session, its lists in the order of time."""
        for part in self._parts.values():
            self._end_mute(part, part.length_s)
        data = self.data
        data.utterances.sort(key=lambda u: (u.start_s, u.end_s, u.result.stream.number))
        data.missing.sort(key=lambda s: (s.start_s, s.end_s))
        return data
