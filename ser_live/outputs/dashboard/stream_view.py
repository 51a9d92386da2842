"""One stream as it is now: its level, its state, its place in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ser_live.config import SAMPLE_RATE_HZ
from ser_live.events import Level, SpeechStarted, StreamStarted, StreamState, seconds

PEAK_HOLD_S = 1.5
"""Time for which the highest peak stays on the meter, in seconds."""
PEAK_FALL_DB_PER_S = 20.0
"""Speed at which the held peak sinks afterwards."""

FLOOR_DBFS = float("-inf")


@dataclass
class Meter:
    """Level of the latest audio, dBFS, and the peak held for the eye."""

    level_dbfs: float = FLOOR_DBFS
    peak_dbfs: float = FLOOR_DBFS
    noise_dbfs: float = float("nan")
    _held_at: int = 0
    _moved_at: int = 0

    def move(self, event: Level) -> None:
        self.level_dbfs = event.rms_dbfs
        self.noise_dbfs = event.noise_dbfs
        if event.peak_dbfs >= self.peak_dbfs:
            self.peak_dbfs, self._held_at = event.peak_dbfs, event.sample
        elif event.sample - self._held_at > PEAK_HOLD_S * SAMPLE_RATE_HZ:
            fall_db = PEAK_FALL_DB_PER_S * (event.sample - self._moved_at) / SAMPLE_RATE_HZ
            self.peak_dbfs = max(event.peak_dbfs, self.peak_dbfs - fall_db)
        self._moved_at = event.sample


@dataclass
class StreamView:
    """One stream as it is now."""

    source: str = ""
    """Name for people: the device that is heard, or the file."""
    caption: str = ""
    """Text by whoever plays the stream about this moment; mostly empty."""
    sample_rate: int = 0
    """Native sample rate in hertz; 0 before a stream began."""
    n_channels: int = 0
    state: StreamState | None = None
    """``None`` before it began and after it ended."""
    message: str = ""
    """One sentence about the stream; empty when all is well."""
    sought_s: float | None = None
    """Time for which the lost microphone has been looked for; ``None`` while it is there."""
    paused_from_s: float | None = None
    """Position at which listening was paused; ``None`` while audio is heard."""
    started_at: datetime | None = None
    """Wall time of the first sample, of a stream that has one of its own: no recording."""
    number: int = 0
    """Number of the stream in the session."""
    file: str | None = None
    """Path as given, for recordings."""
    sample: int = 0
    """Position on the stream's clock."""
    meter: Meter = field(default_factory=Meter)
    level: Level | None = None
    running: SpeechStarted | None = None
    """The open utterance."""
    n_past: int = 0
    """Earlier utterances of this speaker that the latest result used."""

    @property
    def position_s(self) -> float:
        """Position in the stream, in seconds."""
        return seconds(self.sample)

    @property
    def running_s(self) -> float | None:
        """Duration of the open utterance so far, in seconds; ``None`` when none is open."""
        if self.running is None:
            return None
        return seconds(max(0, self.sample - self.running.start_sample))

    def fall_silent(self) -> None:
        """Show nothing as heard: the device is gone, or the stream is over."""
        self.message = ""
        self.meter = Meter()
        self.running = None


def wall_time_of(event: StreamStarted) -> datetime | None:
    """Wall time at which what is heard was said; recordings were made at another time."""
    if event.file is not None or event.started_at is None:
        return None
    try:
        return datetime.fromisoformat(event.started_at)
    except ValueError:
        return None
