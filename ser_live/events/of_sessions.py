"""Events of a session as a whole."""

# Without postponed annotations: the forms of the fields are read from them.

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from ser_live.emotions import LABELS
from ser_live.events.forms import (
    COUNT,
    LABEL_COUNTS,
    LABEL_LIST,
    SETTINGS,
    TEXT,
    TRUTH,
    amount,
    counts,
    number,
    or_none,
    word,
)
from ser_live.events.kinds import EndReason, Verdict
from ser_live.events.record import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Recorded):
    """A session begins."""

    type: ClassVar[str] = "session_started"

    started_at: Annotated[str, TEXT]
    """Wall time of the start, ISO 8601 with offset."""
    version: Annotated[str, TEXT]
    """Version of ser-live."""
    model: Annotated[str, TEXT]
    """Model identifier."""
    model_sha256: Annotated[str, TEXT]
    """Hash of the model's weights."""
    labels: Annotated[tuple[str, ...], LABEL_LIST.newer(LABELS)] = LABELS
    """Labels that the model tells apart, in its order."""
    settings: Annotated[Mapping[str, object], SETTINGS.newer({})] = field(default_factory=dict)
    """Every setting that shapes results, by group and name; ``adapt`` says whether judgements
    go by the speaker's past in the stream."""
    speaker: Annotated[str | None, or_none(TEXT).newer(None)] = None
    """Name of the enrolled speaker that every stream begins with; ``None`` for a stranger."""
    audio_folder: Annotated[str | None, or_none(TEXT).newer(None)] = None
    """Absolute path of the folder that keeps the audio of utterances; ``None`` for none."""
    roles: Annotated[str | None, or_none(TEXT).newer(None)] = None
    """Role and level of each channel, such as ``1=agent:activity,2=customer:analyze``; ``None``
    where channels have none."""
    expires_at: Annotated[str | None, or_none(TEXT).newer(None)] = None
    """Wall time after which ``ser-live purge --expired`` removes what the session kept, ISO 8601
    with offset; ``None`` for never."""
    legal_ground: Annotated[bool, TRUTH.newer(False)] = False
    """Whether a legal ground was claimed for analyzing somebody who is at work or at school."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFailed(Recorded):
    """A source could not be opened or broke off; the session goes on with the next."""

    type: ClassVar[str] = "source_failed"

    message: Annotated[str, TEXT]
    """One sentence: what was found, what is needed, what to do."""
    file: Annotated[str | None, or_none(TEXT).newer(None)] = None
    """Path as given; ``None`` for a device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDepth(Recorded):
    """Utterances waiting for analysis; for displays."""

    type: ClassVar[str] = "queue"
    is_logged: ClassVar[bool] = False

    n_waiting: Annotated[int, COUNT]
    """Utterances that wait."""
    capacity: Annotated[int, COUNT]
    """Utterances that may wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Recorded):
    """Trouble of one output, or how a recording is read, reported to all that work."""

    type: ClassVar[str] = "notice"

    sink: Annotated[str, TEXT]
    """Name of the output, or of the recording."""
    message: Annotated[str, TEXT]
    """One sentence: what happened, and how the session goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Recorded):
    """The session is over; its counts."""

    type: ClassVar[str] = "session_ended"

    reason: Annotated[EndReason, word(EndReason)]
    """Reason for the end."""
    duration_s: Annotated[float, amount(3)]
    """Audio time heard, in seconds."""
    n_utterances: Annotated[int, COUNT]
    """Final results."""
    n_dropped: Annotated[int, COUNT]
    """Results not computed because analysis fell behind."""
    n_gaps: Annotated[int, COUNT]
    """Times that audio never arrived."""
    emotions: Annotated[Mapping[str, int], LABEL_COUNTS] = field(default_factory=dict)
    """Final results per emotion named."""
    states: Annotated[Mapping[Verdict, int], counts(Verdict)] = field(default_factory=dict)
    """Final results per outcome."""
    latency_ms_p50: Annotated[float, number(1)] = math.nan
    """Median latency, milliseconds; NaN without a result."""
    latency_ms_p95: Annotated[float, number(1)] = math.nan
    """95th percentile of the latency, milliseconds."""
