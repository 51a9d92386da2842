"""Lines of a session log that are not events of its session."""

# Without postponed annotations: the forms of the fields are read from them.

from dataclasses import dataclass
from typing import Annotated, ClassVar

from ser_live.events import EVENT_CLASSES, Recorded
from ser_live.events.forms import COUNT, TEXT
from ser_live.events.record import by_type

SCHEMA = "ser-live-session"
SCHEMA_VERSION = 1
"""Raised by one whenever a reader of the old schema would misread a new log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHeader(Recorded):
    """The first line of every log."""

    type: ClassVar[str] = "log"

    schema: Annotated[str, TEXT] = SCHEMA
    """Always ``ser-live-session``."""
    schema_version: Annotated[int, COUNT] = SCHEMA_VERSION
    """Raised by one whenever an older reader would misread a newer log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogContinued(Recorded):
    """Second line of a log that begins in the middle of a session.

    How the session and its open streams began is repeated after it.
    """

    type: ClassVar[str] = "log_continued"

    path: Annotated[str, TEXT]
    """The log before it."""
    cause: Annotated[str, TEXT]
    """Reason why that could not be written any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGap(Recorded):
    """Events before this line that could not be written, for instance on a full disk."""

    type: ClassVar[str] = "log_gap"

    n_events: Annotated[int, COUNT]
    """Events that are missing."""


LogEntry = LogHeader | LogContinued | LogGap

ENTRY_CLASSES: dict[str, type[Recorded]] = {
    **by_type([LogHeader, LogContinued, LogGap]),
    **EVENT_CLASSES,
}
"""Classes of everything in a log by the ``type`` of their records."""
