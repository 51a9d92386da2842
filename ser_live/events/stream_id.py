"""The name of a stream, and the conversion between samples and seconds."""

from __future__ import annotations

from dataclasses import dataclass

from ser_live.config import SAMPLE_RATE_HZ


def seconds(n_samples: int) -> float:
    """Duration of `n_samples` at 16 kHz, in seconds, rounded to the microsecond."""
    return round(n_samples / SAMPLE_RATE_HZ, 6)


def samples(duration_s: float) -> int:
    """Number of samples at 16 kHz in `duration_s`; the inverse of `seconds`."""
    return round(duration_s * SAMPLE_RATE_HZ)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamId:
    """One stream of a session: a source, and the channel of it that is heard."""

    number: int
    """Number of the stream, unique in the session, counted from 1."""
    source: str
    """Name for people: device name or file name."""
    channel: int | None = None
    """Channel that is heard, counted from 0; ``None`` for the mean of all."""
    role: str | None = None
    """Part of the one who speaks, in the caller's words, such as ``agent``."""
    file: str | None = None
    """Path as given, for files."""
    session: str | None = None
    """Name of its session where one program has many, as the server does."""
