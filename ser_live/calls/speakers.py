"""Times of those who speak in one channel, by any diarizer (RTTM), and the call heard by them.

Only the times of one are heard as theirs: everything else is silence to their stream, also the
moments in which two speak at once. No diarizer of our own is here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_live.calls.measures import Span, merged
from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ, Settings
from ser_live.errors import LogError, UsageError
from ser_live.events import Hearing, StreamEvent, StreamId
from ser_live.model.emotion_model import EmotionModel
from ser_live.sources import AudioSource, DeviceNotice, FileSource, Lost
from ser_live.speech.detector import VadDecision
from ser_live.stream.analyzer import Analyzer
from ser_live.stream.drive import Driven, drive
from ser_live.stream.roles import Role, Roles, parts_of

MAX_BYTES = 1 << 26
"""Longest list of speakers that is read; a day of talk takes a hundredth of it."""


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """One who speaks, by the name of a diarizer."""

    name: str
    level: Hearing
    spans: tuple[Span, ...]
    alone: tuple[Span, ...]
    """Those parts of `spans` in which nobody else speaks."""


@dataclass(frozen=True, kw_only=True)
class CallTimes:
    """Speakers of one recording that are heard."""

    heard: tuple[Speaker, ...]


@dataclass(frozen=True)
class SpeakerTimes:
    """Speakers of recordings, by what their files are called.

    Parameters
    ----------
    path : Path
        The list, for people.
    by_file : mapping
        Stretches by speaker by name of the recording in the list.
    roles : mapping of str to Role
        Roles by name of the speaker in the list.
    has_legal_ground : bool
    """

    path: Path
    by_file: Mapping[str, Mapping[str, tuple[Span, ...]]]
    roles: Mapping[str, Role]
    has_legal_ground: bool = False

    @property
    def skipped(self) -> tuple[str, ...]:
        """Names of the roles that are not heard."""
        return tuple(r.name for r in self.roles.values() if r.level is Hearing.SKIP)

    def __str__(self) -> str:
        return ",".join(f"{label}={r.name}:{r.level}" for label, r in self.roles.items())

    def of(self, path: Path) -> CallTimes:
        """Speakers of a recording.

        Raises
        ------
        UsageError
            The list has none of it, or none that a role is given for.
        """
        times = self.by_file.get(path.stem) or self.by_file.get(path.name)
        if times is None and len(self.by_file) == 1 and not self.by_file.keys() & {""}:
            times = next(iter(self.by_file.values()))
        if times is None:
            known = ", ".join(list(self.by_file)[:5])
            raise UsageError(
                f"{self.path.name} lists no speakers of {path.stem} (but of {known}): name the "
                "recording there as its file is named."
            )
        lacking = [label for label in self.roles if label not in times]
        if lacking:
            raise UsageError(
                f"{self.path.name} lists {', '.join(sorted(times))} for {path.stem}, but --roles "
                f"names {lacking[0]}: give the roles by the names in the list."
            )
        return CallTimes(
            heard=tuple(
                Speaker(
                    name=role.name,
                    level=role.level,
                    spans=times[label],
                    alone=_without(
                        times[label],
                        merged(s for other in times if other != label for s in times[other]),
                    ),
                )
                for label, role in self.roles.items()
                if role.level is not Hearing.SKIP
            )
        )


def read_speakers(path: Path, roles: str, *, has_legal_ground: bool = False) -> SpeakerTimes:
    """Read a list of who speaks when, and give each speaker a role.

    Parameters
    ----------
    path : Path
        An RTTM file; its ``SPEAKER`` lines count.
    roles : str
        Roles by the names in the list, such as ``SPEAKER_00=agent:activity,SPEAKER_01=customer``.
    has_legal_ground : bool
        As for `Roles`.

    Raises
    ------
    LogError
        It cannot be read, or a line is no line of RTTM.
    UsageError
        The roles do not fit.
    """
    found: dict[str, list[Role]] = {}
    for label, role in parts_of(roles):
        found.setdefault(label, []).append(role)
    twice = [label for label, given in found.items() if len(given) > 1]
    if twice:
        raise UsageError(
            f"The roles name {twice[0]} twice, but one role for each is needed: leave one out."
        )
    by_label = {label: given[0] for label, given in found.items()}
    Roles(dict(enumerate(by_label.values())), has_legal_ground)  # which refuses what is not allowed
    return SpeakerTimes(path, _read(path), by_label, has_legal_ground)


def _read(path: Path) -> dict[str, dict[str, tuple[Span, ...]]]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise LogError(
                f"{path} is longer than {MAX_BYTES >> 20} MB, but a list of speakers is needed: "
                "name an RTTM file."
            )
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        cause = (getattr(error, "strerror", None) or "it is no text").lower()
        raise LogError(
            f"{path} cannot be read ({cause}), but a list of speakers is needed: name an RTTM file."
        ) from error
    found: dict[str, dict[str, list[Span]]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        span = _span(fields)
        if span is None:
            raise LogError(
                f"Line {number} of {path} is no SPEAKER line of RTTM, but file, channel, start, "
                "duration and name are needed: correct it."
            )
        found.setdefault(fields[1], {}).setdefault(fields[7], []).append(span)
    if not found:
        raise LogError(
            f"{path} holds no SPEAKER line, but who speaks when is needed: name an RTTM file."
        )
    return {
        name: {label: merged(spans) for label, spans in times.items()}
        for name, times in found.items()
    }


def _span(fields: Sequence[str]) -> Span | None:
    if len(fields) < 8:
        return None
    try:
        start_s, duration_s = float(fields[3]), float(fields[4])
    except ValueError:
        return None
    if not (0.0 <= start_s < math.inf and 0.0 <= duration_s < math.inf):
        return None
    return start_s, start_s + duration_s


def _without(spans: Sequence[Span], others: Sequence[Span]) -> tuple[Span, ...]:
    """The parts of stretches that lie in none of the others; both are in order."""
    left: list[Span] = []
    for start, end in spans:
        at = start
        for other_start, other_end in others:
            if other_end <= at or other_start >= end:
                continue
            if other_start > at:
                left.append((at, other_start))
            at = max(at, other_end)
        if at < end:
            left.append((at, end))
    return tuple(left)


def play_speakers(
    source: FileSource, times: CallTimes, *, model: EmotionModel, settings: Settings
) -> Iterator[StreamEvent]:
    """Give the events of the analyzed speakers of a recording, each a stream of its own."""

    def begin(source: AudioSource) -> Driven[StreamEvent]:
        analyzed = [s for s in times.heard if s.level is Hearing.ANALYZE]
        return _Alone(
            source.sample_rate,
            [
                (
                    speaker.alone,
                    Analyzer(
                        source.sample_rate,
                        source.n_channels,
                        stream=StreamId(
                            number=number, source=source.name, role=speaker.name, file=source.file
                        ),
                        model=model,
                        settings=settings,
                        with_partials=False,
                        revise=_within(speaker.alone),
                    ),
                )
                for number, speaker in enumerate(analyzed, start=1)
            ],
        )

    return drive(source, begin)


def _within(spans: Sequence[Span]) -> Callable[[int, VadDecision], VadDecision]:
    """Make the function that takes no frame outside of stretches for speech."""
    edges = np.array([edge for span in spans for edge in span])

    def revise(start_sample: int, decision: VadDecision) -> VadDecision:
        middle_s = (start_sample + FRAME_SAMPLES / 2) / SAMPLE_RATE_HZ
        if np.searchsorted(edges, middle_s, "right") % 2:
            return decision
        return decision._replace(is_speech=False, is_voiced=False, is_suspected=False)

    return revise


class _Alone:
    """Streams of which each hears only its own times; the rest is silence to it."""

    def __init__(
        self, sample_rate: int, streams: Sequence[tuple[Sequence[Span], Driven[StreamEvent]]]
    ) -> None:
        self._streams = [
            (np.array([round(edge * sample_rate) for span in spans for edge in span]), stream)
            for spans, stream in streams
        ]
        self._position = 0

    def start(self) -> list[StreamEvent]:
        """Begin every stream."""
        return [event for _, stream in self._streams for event in stream.start()]

    def push(self, item: NDArray[np.float32] | Lost | DeviceNotice) -> list[StreamEvent]:
        """Give the next item to every stream, as far as it may hear it."""
        events: list[StreamEvent] = []
        for edges, stream in self._streams:
            heard = item
            if isinstance(item, np.ndarray):
                places = np.arange(self._position, self._position + len(item))
                is_own = np.searchsorted(edges, places, "right") % 2 == 1
                heard = np.where(is_own[:, np.newaxis], item, np.float32(0.0))
            events += stream.push(heard)
        if isinstance(item, np.ndarray):
            self._position += len(item)
        elif isinstance(item, Lost):
            self._position += item.n_samples
        return events

    def close(self) -> list[StreamEvent]:
        """End every stream."""
        return [event for _, stream in self._streams for event in stream.close()]
