"""Lab Streaming Layer: the running emotion and the events, stamped with when it was spoken."""

from __future__ import annotations

import math
import socket
import time
from typing import TYPE_CHECKING, Any

from ser_live.bridges.bridge import require
from ser_live.bridges.running import Running, told_record
from ser_live.bridges.spoken_clock import SpokenClock
from ser_live.config import SAMPLE_RATE_HZ
from ser_live.errors import UsageError
from ser_live.events import (
    AffectState,
    EmotionResult,
    Event,
    Kind,
    Level,
    Mark,
    QueueDepth,
    SessionStarted,
    StateChanged,
    StreamGap,
)
from ser_live.events.record import OfStream
from ser_live.records.json_line import json_line

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE_HZ = 10
"""Samples of the running emotion for each second of the stream."""

_STEP = SAMPLE_RATE_HZ // RATE_HZ

MAX_MISSED = 5 * RATE_HZ
"""Samples that are made up for at once; where more are missing, nothing was heard meanwhile."""

LINGER_S = 0.3
"""Time that readers have for the last samples: the library gives up what is on the way."""

MORE_CHANNELS = (
    ("valence", "-1..1"),
    ("arousal", "-1..1"),
    ("certainty", "0..1"),
    ("speaking", "0/1"),
    ("level", "dBFS"),
)
"""Names and units of the channels after the probabilities."""


class LslBridge:
    """Offers two streams: ``NAME state`` (10 Hz) and ``NAME events`` (JSON).

    Parameters
    ----------
    name : str
        Begins the names of both. Readers find a session that was started again by it.
    pace : str
        As for `EmotionState`.

    Raises
    ------
    UsageError
        The name does not fit, or the library's own part is missing.
    MissingExtraError
        pylsl is not installed.
    """

    name = "LSL bridge"
    tick_s: float | None = None
    warning = (
        "emotions leave this program by LSL, unencrypted: it announces them to the whole network, "
        "and every machine there can read them (docs/bridges.md tells how to keep them here)."
    )

    def __init__(self, name: str = "ser-live", pace: str = "assistant") -> None:
        require("pylsl", "lsl", "--lsl")
        if not name.strip() or len(name) > 60 or not name.isprintable():
            raise UsageError(
                f"--lsl-name found {name[:60]!r}, but needs 1 to 60 printable signs: choose "
                "another."
            )
        self._library = _loaded()
        self._name = name
        self._running = Running(pace)
        self._clocks: dict[int, SpokenClock] = {}
        self._next: dict[int, int] = {}
        """Position of the next sample of each stream's state."""
        self._levels: dict[int, Level] = {}
        """Latest level of each stream."""
        self._labels: tuple[str, ...] = ()
        self._state: Any = None
        self._events: Any = None
        self._n_unplaced = 0
        """Events whose moment is unknown."""

    @property
    def failure(self) -> str | None:
        if not self._n_unplaced:
            return None
        return (
            "the LSL bridge left out events that came before any level: when they were spoken is "
            "not known."
        )

    def wants(self, event: Event) -> bool:
        return not isinstance(event, QueueDepth)

    def hurry(self) -> None:
        """Nothing is waited for."""

    def open(self) -> None:
        """Nothing is to be begun: the streams need the labels of the model."""

    def take(self, event: Event) -> None:
        if isinstance(event, SessionStarted):
            self._labels = event.labels
            self._state, self._events = self._outlets(event)
        if not isinstance(event, OfStream):
            return
        number = event.stream.number
        if isinstance(event, Level):
            clock = self._clocks.setdefault(number, SpokenClock())
            # Of the library's clock: both are the system's, but it need not be so everywhere.
            clock.note(event.sample, self._library.local_clock())
        self._running.take(event)
        if isinstance(event, Level):
            self._tell_state(event)
            self._levels[number] = event
        else:
            self._tell_event(event)

    def idle(self, now_s: float) -> None:
        """Nothing is due by the clock: levels give the beat."""

    def close(self) -> None:
        outlets = [outlet for outlet in (self._state, self._events) if outlet is not None]
        if any(outlet.have_consumers() for outlet in outlets):
            time.sleep(LINGER_S)
        outlets.clear()
        self._state = self._events = None  # which ends them

    def _outlets(self, started: SessionStarted) -> tuple[Any, Any]:
        library = self._library
        # Of this machine and name, so that readers go on with the next session.
        own = f"{self._name}@{socket.gethostname()}"
        labels = started.labels
        channels = [(label, "probability") for label in labels] + list(MORE_CHANNELS)
        state = library.StreamInfo(
            f"{self._name} state",
            "Emotion",
            len(channels),
            RATE_HZ,
            library.cf_float32,
            f"state of {own}",
        )
        state.set_channel_labels([label for label, _ in channels])
        state.set_channel_units([unit for _, unit in channels])
        state.set_channel_types(["Emotion"] * len(channels))
        events = library.StreamInfo(
            f"{self._name} events",
            "Markers",
            1,
            library.IRREGULAR_RATE,
            library.cf_string,
            f"events of {own}",
        )
        for info in (state, events):
            about = info.desc()
            about.append_child_value("manufacturer", "ser-live")
            about.append_child_value("version", started.version)
            about.append_child_value("model", started.model)
            about.append_child_value("time_stamps", "when the sound was spoken")
        return library.StreamOutlet(state), library.StreamOutlet(events)

    def _tell_state(self, level: Level) -> None:
        """Push the samples up to a level, if its stream is the one that counts."""
        number = level.stream.number
        due = self._next.get(number, 0)
        last = level.sample // _STEP * _STEP
        if last - due > MAX_MISSED * _STEP:
            due = last
        self._next[number] = last + _STEP
        now = self._running.now()
        if self._state is None or now is None or now.stream.number != number:
            return
        clock = self._clocks[number]
        for sample in range(due, last + 1, _STEP):
            # The latest level that was complete then: this one may hold what came after.
            known = level if level.sample == sample else self._levels.get(number)
            values = [
                *self._values(self._running.at(sample)),
                math.nan if known is None else known.rms_dbfs,
            ]
            self._state.push_sample(values, clock.time_of(sample))

    def _values(self, state: AffectState) -> Iterator[float]:
        by_name = state.probabilities or {}
        yield from (by_name.get(label, math.nan) for label in self._labels)
        for value in (state.valence, state.arousal, state.certainty):
            yield math.nan if value is None else value
        yield float(state.speaking)

    def _tell_event(self, event: OfStream) -> None:
        is_final = isinstance(event, EmotionResult) and event.kind is Kind.FINAL
        if not is_final and not isinstance(event, Mark | StreamGap | StateChanged):
            return
        clock = self._clocks.get(event.stream.number)
        if self._events is None or clock is None:
            self._n_unplaced += 1
            return
        record = told_record(event)
        start = getattr(event, "start_sample", getattr(event, "sample", 0))
        record["lsl_start"] = clock.time_of(start)
        if isinstance(event, EmotionResult):
            record["lsl_end"] = clock.time_of(event.end_sample)
        self._events.push_sample([json_line(record)], clock.time_of(start))


def _loaded() -> Any:
    """Load the library, whose own part may be missing."""
    try:
        import pylsl
    except (RuntimeError, OSError) as error:
        raise UsageError(
            "--lsl cannot load the library liblsl that pylsl needs: install it, or a version of "
            "pylsl that brings it."
        ) from error
    return pylsl
