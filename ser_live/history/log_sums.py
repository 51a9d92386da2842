"""A session log as sums: by stream, microphone and hour, never utterance by utterance."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from ser_live.errors import LogError
from ser_live.events import (
    DeviceFound,
    EmotionResult,
    EventReader,
    FormError,
    Mark,
    Record,
    Recorded,
    SessionEnded,
    SessionStarted,
    StreamEnded,
    StreamStarted,
)
from ser_live.history.log_state import LogState
from ser_live.history.schema import SCALE
from ser_live.records.log_entries import ENTRY_CLASSES, LogContinued
from ser_live.records.log_reading import MAX_LINE_BYTES, check_header, parsed_line

HEAD_BYTES = 4096
"""Bytes at both ends of what was read by which a log is known again."""

_PASSED_OVER = tuple(
    f'{{"type":"{kind}"'.encode() for kind in ("state", "gap", "drop", "stream_notice", "notice")
)
_PARTIAL = b'"kind":"partial"'
_KIND_WITHIN = 60
"""Bytes from the beginning of an emotion record within which its kind stands."""
_MAX_TEXT = 2000
"""Characters of a note that are kept in the index; the log has them all."""

PartKey = tuple[int, str, int, str, int]
"""Stream, name of the source, sample rate, local day and hour."""


@dataclass
class Part:
    """Sums of one stream in one hour at one microphone."""

    role: str
    is_recording: bool
    sums: dict[str, int] = field(default_factory=dict)
    """By the names of `schema.PART_SUMS`."""
    labels: dict[str, list[int]] = field(default_factory=dict)
    """By label, in the order of `schema.LABEL_SUMS`."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A note or a mark inside a session."""

    kind: str
    stream: int
    start_ms: int
    text: str
    rating: int | None


@dataclass
class LogSums:
    """New sums of a log; `add_rows` in `refreshing` adds them to those of the index."""

    state: LogState
    is_whole: bool
    """Whether they are those of the whole log, and not of what it grew by."""
    parts: dict[PartKey, Part] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)


def read_sums(path: Path, known: LogState | None) -> LogSums:
    """Read a log, or what it grew by since it was `known`.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with path.open("rb") as file:
        info = os.fstat(file.fileno())  # before reading: what comes later is seen next time
        state = LogState()
        if known is not None and _has_grown(file, known, info):
            state = known
        state.inode, state.size, state.mtime_ns = info.st_ino, info.st_size, info.st_mtime_ns
        if state.started_at is None:
            state.started_ms = info.st_mtime_ns // 1_000_000
        reading = _Reading(path, LogSums(state, is_whole=state is not known))
        file.seek(state.offset)
        reading.read(file, info.st_size)
        state.n_head_bytes = min(HEAD_BYTES, state.offset)
        state.head_sha256 = _sha256_of(file, 0, state.n_head_bytes)
        state.tail_sha256 = _sha256_of(file, state.offset - state.n_head_bytes, state.n_head_bytes)
    return reading.sums


def _has_grown(file: IO[bytes], known: LogState, info: os.stat_result) -> bool:
    """Whether a file is the one that was read, with something behind it and nothing else."""
    n = known.n_head_bytes
    return (
        bool(n)
        and not known.problem
        and info.st_ino == known.inode
        and info.st_size > known.size
        and _sha256_of(file, 0, n) == known.head_sha256
        and _sha256_of(file, known.offset - n, n) == known.tail_sha256
    )


def _sha256_of(file: IO[bytes], begin: int, n_bytes: int) -> str:
    file.seek(begin)
    return hashlib.sha256(file.read(n_bytes)).hexdigest()


@dataclass
class _Stream:
    """A stream that is being read."""

    source: str
    sample_rate: int
    role: str
    is_recording: bool
    began_at: datetime | None


class _Reading:
    """One pass over the lines of a log."""

    def __init__(self, path: Path, sums: LogSums) -> None:
        self.sums = sums
        self._path = path
        self._state = sums.state
        self._events = EventReader(ENTRY_CLASSES)
        self._streams: dict[int, _Stream] = {}
        self._latest_stream = 0
        self._reached_ms: dict[str, int] = json.loads(self._state.reached)
        began, self._state.began = self._state.began, ""
        for line in began.encode("utf-8", "surrogatepass").splitlines(keepends=True):
            self._take_line(line)

    def read(self, file: IO[bytes], size: int) -> None:
        """Read the whole lines up to `size`; one that breaks off waits for its rest."""
        state = self._state
        while state.offset < size and not state.problem:
            line = file.readline(min(MAX_LINE_BYTES + 1, size - state.offset))
            n_bytes = len(line)
            if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_LINE_BYTES)
                    n_bytes += len(line)
                if not line:
                    break
                line = b""  # too long to be a record
            elif not line.endswith(b"\n") and parsed_line(line) is None:
                break
            if state.offset == 0:
                self._take_header(line)
            elif line.strip() or not line:
                self._take_line(line)
            state.offset += n_bytes
        state.reached = json.dumps(self._reached_ms)
        if state.end_reason is None:
            state.duration_ms = sum(self._reached_ms.values())

    def _take_header(self, line: bytes) -> None:
        try:
            check_header(parsed_line(line), self._path)
        except LogError as error:
            self._state.problem = str(error)

    def _take_line(self, line: bytes) -> None:
        if line.startswith(_PASSED_OVER) or _PARTIAL in line[:_KIND_WITHIN]:
            return
        record = parsed_line(line)
        try:
            if record is None:
                raise FormError("a record is needed")
            if record["type"] == "note":
                self._take_note(record)
                return
            entry = self._events.read(record)
        except FormError:
            self._state.n_bad_lines += 1
            return
        if isinstance(entry, SessionStarted | StreamStarted | DeviceFound):
            self._state.began += json.dumps(record) + "\n"
        if entry is not None:
            self._take(entry)

    def _take(self, entry: Recorded) -> None:
        state = self._state
        if isinstance(entry, EmotionResult):
            self._add_final(entry)
        elif isinstance(entry, SessionStarted):
            self._begin(entry)
        elif isinstance(entry, StreamStarted):
            self._begin_stream(entry)
        elif isinstance(entry, DeviceFound):
            stream = self._streams.get(entry.stream.number)
            if stream is not None:
                stream.source, stream.sample_rate = entry.device, entry.sample_rate
        elif isinstance(entry, Mark):
            self._add_moment("mark", entry.stream.number, entry.start_s, entry.label, None)
        elif isinstance(entry, StreamEnded):
            self._reach(entry.stream.number, entry.duration_s)
        elif isinstance(entry, SessionEnded):
            state.end_reason = entry.reason.value
            state.duration_ms = round(entry.duration_s * 1000)
        elif isinstance(entry, LogContinued):
            state.continues = entry.path

    def _begin(self, entry: SessionStarted) -> None:
        state = self._state
        began_at = moment_of(entry.started_at)
        # A day is that of the place where the session began, by the offset that it wrote.
        state.started_at = None if began_at is None else entry.started_at
        if began_at is not None:
            state.started_ms = round(began_at.timestamp() * 1000)
        state.day = None if began_at is None else began_at.date().isoformat()
        state.speaker = entry.speaker
        state.model, state.model_sha256 = entry.model, entry.model_sha256
        settings = json.dumps(entry.settings, sort_keys=True, separators=(",", ":"))
        state.settings_sha256 = hashlib.sha256(settings.encode()).hexdigest()

    def _begin_stream(self, entry: StreamStarted) -> None:
        number = entry.stream.number
        self._latest_stream = number
        began_at = moment_of(entry.started_at) or moment_of(self._state.started_at)
        self._streams[number] = _Stream(
            source=entry.stream.source,
            sample_rate=entry.sample_rate,
            role=entry.stream.role or "",
            is_recording=entry.stream.file is not None,
            began_at=began_at,
        )

    def _add_final(self, result: EmotionResult) -> None:
        self._reach(result.stream.number, result.end_s)
        stream = self._streams.get(result.stream.number)
        if stream is None:
            # Judged, but by nobody knows which microphone: no day of a trend can take it.
            stream = _Stream(result.stream.source, 0, "", result.file is not None, None)
        part = self._part(result, stream)
        speech_ms = round(result.speech_s * 1000)
        add = {"n_finals": 1, "n_named": int(result.emotion is not None), "speech_ms": speech_ms}
        if result.valence is not None and result.arousal is not None:
            valence, arousal = round(result.valence * SCALE), round(result.arousal * SCALE)
            add |= {
                "affect_ms": speech_ms,
                "valence_sum": speech_ms * valence,
                "valence_square_sum": speech_ms * valence**2,
                "arousal_sum": speech_ms * arousal,
                "arousal_square_sum": speech_ms * arousal**2,
            }
        for name, n in add.items():
            part.sums[name] = part.sums.get(name, 0) + n
        for label, probability in zip(result.labels, result.probabilities or (), strict=False):
            is_named = label == result.emotion
            p = round(probability * SCALE)
            sums = part.labels.setdefault(label, [0] * 5)
            new = (is_named, is_named * speech_ms, speech_ms, speech_ms * p, speech_ms * p**2)
            for n, value in enumerate(new):
                sums[n] += value

    def _part(self, result: EmotionResult, stream: _Stream) -> Part:
        day, hour = "", -1
        if stream.began_at is not None:
            moment = stream.began_at + timedelta(seconds=result.start_s)
            day, hour = moment.date().isoformat(), moment.hour
        key = (result.stream.number, stream.source, stream.sample_rate, day, hour)
        if key not in self.sums.parts:
            self.sums.parts[key] = Part(stream.role, stream.is_recording)
        return self.sums.parts[key]

    def _take_note(self, record: Record) -> None:
        start_s, text, rating = (record.get(name) for name in ("start_s", "text", "rating"))
        number = record.get("stream", self._latest_stream)
        if not isinstance(start_s, int | float) or not 0 <= start_s <= 1e9:
            raise FormError("a time is needed")
        if not isinstance(text, str) or not isinstance(number, int):
            raise FormError("a text is needed")
        if rating is not None and rating not in (1, 2, 3, 4, 5):
            raise FormError("a rating from 1 to 5 is needed")
        self._add_moment("note", number, start_s, text, int(rating) if rating else None)

    def _add_moment(
        self, kind: str, stream: int, start_s: float, text: str, rating: int | None
    ) -> None:
        text = text.encode("utf-8", "replace").decode()[:_MAX_TEXT]
        self.sums.moments.append(Moment(kind, stream, round(start_s * 1000), text, rating))

    def _reach(self, number: int, position_s: float) -> None:
        """Audio heard so far, where no line tells of the whole."""
        key = str(number)
        self._reached_ms[key] = max(self._reached_ms.get(key, 0), round(position_s * 1000))


def moment_of(text: str | None) -> datetime | None:
    """Wall time with the offset that it was written with; ``None`` for what is none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
