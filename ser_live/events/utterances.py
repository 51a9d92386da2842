"""Utterances, and the results about them."""

# Without postponed annotations: the forms of the fields are read from them.

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from ser_live.config import FRAME_S
from ser_live.emotions import LABELS
from ser_live.events.forms import (
    COUNT,
    LABEL,
    PROBABILITIES,
    SAMPLES,
    TEXT,
    Form,
    FormError,
    amount,
    number,
    number_or_none,
    or_none,
    word,
)
from ser_live.events.kinds import Kind, Verdict
from ser_live.events.record import OfStream, Record, build, columns, read_fields
from ser_live.events.stream_id import StreamId, seconds

if TYPE_CHECKING:  # without numpy the doctor still draws, writes JSON and looks at folders
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted(OfStream):
    """An utterance was opened; for displays."""

    type: ClassVar[str] = "speech_started"
    is_logged: ClassVar[bool] = False

    id: Annotated[int, COUNT]
    """Number that the utterance will have."""
    start_sample: Annotated[int, SAMPLES.at("start_s")]
    """Position of its first sample."""

    @property
    def start_s(self) -> float:
        """Position, in seconds."""
        return seconds(self.start_sample)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Utterance:
    """A stretch of speech on its way from the segmenter to the model."""

    stream: StreamId
    id: int
    """Unique in the stream; a partial carries the id of its later final."""
    kind: Kind
    start_sample: int
    end_sample: int
    samples: "NDArray[np.float32]"
    """Mono, 16 kHz, shape ``(end_sample - start_sample,)``."""
    speech: "NDArray[np.bool_]"
    """Speech decision per 30 ms frame of `samples`, shape ``(ceil(n / 480),)``."""
    noise_dbfs: float
    """Noise floor before the utterance, dBFS RMS; NaN when unknown."""
    state: Verdict = Verdict.OK
    """``OK``, or why the segmenter rejects it (``TOO_SHORT``)."""
    is_split: bool = False
    """Cut at the longest allowed length, so speech goes on in the next utterance."""
    known_at_s: float = math.nan
    """Reading of the caller's clock when this became known, in seconds; latency counts from
    here. NaN without a clock."""

    @property
    def speech_s(self) -> float:
        """Duration of frames marked as speech, in seconds."""
        return float(self.speech.sum()) * FRAME_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing in the voice that stands out, in words."""

    feature: Annotated[str, TEXT]
    """Feature name, unit included."""
    difference: Annotated[float, number(4)]
    """Value minus the speaker's own running mean, in the feature's unit."""
    z: Annotated[float, number(2)]
    """The same in standard deviations."""
    text: Annotated[str, TEXT]
    """For people: ``pitch +3.1 st``, ``louder +4 dB``, ``faster``."""


def _write_reasons(reasons: tuple[Reason, ...]) -> list[Record]:
    table = columns(Reason)
    return [{column.key: column.form.write(column.value(r)) for column in table} for r in reasons]


def _read_reasons(value: object) -> tuple[Reason, ...]:
    if not isinstance(value, list):
        raise FormError("a list is needed")
    return tuple(_read_reason(item) for item in value)


def _read_reason(item: object) -> Reason:
    if not isinstance(item, Mapping):
        raise FormError("a reason is needed")
    return build(Reason, read_fields(Reason, item))


REASONS = Form(_write_reasons, _read_reasons)

UNIT = number_or_none(3, -1.0, 1.0)
"""Valence or arousal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotionResult(OfStream):
    """The result for one utterance, whole or in progress."""

    type: ClassVar[str] = "emotion"
    derived: ClassVar[Mapping[str, tuple[str, Form]]] = {
        "confidence": ("probabilities", number_or_none(4, 0.0, 1.0))
    }
    stands_for: ClassVar[Mapping[str, str]] = {"probabilities": "probabilities_by_name"}

    id: Annotated[int, COUNT]
    """Number of the utterance, unique in its stream; a partial has that of its later final."""
    kind: Annotated[Kind, word(Kind)]
    """Whether the result is about the whole utterance."""
    start_sample: Annotated[int, SAMPLES.at("start_s")]
    """Position of its first sample."""
    end_sample: Annotated[int, SAMPLES.at("end_s")]
    """Position just after its last sample."""
    emotion: Annotated[str | None, or_none(LABEL)]
    """The model's label; ``None`` whenever `state` is not ``OK``. A partial result keeps to the one
    shown before until there is evidence for another; the final one is free of what was shown."""
    state: Annotated[Verdict, word(Verdict)]
    """``OK``, or why no emotion is named."""
    probabilities: Annotated[tuple[float, ...] | None, PROBABILITIES]
    """Calibrated probabilities of the model's labels, in its order; ``None`` when the utterance
    was rejected before classification."""
    labels: tuple[str, ...] = LABELS
    """The labels that `probabilities` are of; in a record they name these."""
    valence: Annotated[float | None, UNIT.newer(None)] = None
    """-1 unpleasant to +1 pleasant, see ``affect``; ``None`` without `probabilities`, or where
    the model's labels have no place on that scale."""
    arousal: Annotated[float | None, UNIT.newer(None)] = None
    """-1 sleepy to +1 excited; ``None`` as for `valence`."""
    n_past: Annotated[int, COUNT.newer(0)] = 0
    """Earlier utterances of this speaker that the judgement used; 0 without any."""
    speech_s: Annotated[float, amount(3)]
    """Duration of speech frames, in seconds."""
    level_dbfs: Annotated[float, number(1)]
    """RMS level of the speech frames, dBFS; NaN when there is none."""
    snr_db: Annotated[float, number(1)]
    """Speech level above the noise floor, dB; NaN when the floor is unknown."""
    latency_ms: Annotated[float, number(1)] = math.nan
    """From the moment the utterance was known to this result, milliseconds; NaN without a
    clock."""
    reasons: Annotated[tuple[Reason, ...], REASONS] = ()
    """Features that stand out against the speaker's own running mean."""
    syllables_per_s: float = field(default=math.nan, repr=False, compare=False)
    """Syllable nuclei for each second of speech; NaN where it was not classified, or has none;
    not part of the record."""
    samples: "NDArray[np.float32] | None" = field(default=None, repr=False, compare=False)
    """Audio of a final result, 16 kHz mono, where it was asked for; not part of the record."""

    @classmethod
    def _arranged(cls, values: Mapping[str, object]) -> Mapping[str, object]:
        """Values by field; in a record the labels are the names of the probabilities."""
        by_name = values["probabilities"]
        if not isinstance(by_name, Mapping):
            return values
        if values["emotion"] is not None and values["emotion"] not in by_name:
            raise FormError("an emotion among the probabilities is needed")
        return {**values, "probabilities": tuple(by_name.values()), "labels": tuple(by_name)}

    @property
    def start_s(self) -> float:
        """Start of the utterance, in seconds since the start of the stream."""
        return seconds(self.start_sample)

    @property
    def end_s(self) -> float:
        """End of the utterance, in seconds since the start of the stream."""
        return seconds(self.end_sample)

    @property
    def confidence(self) -> float | None:
        """Probability of `emotion`, the largest where none is named, ``None`` without any."""
        if self.probabilities is None:
            return None
        if self.emotion is None:
            return max(self.probabilities)
        return self.probabilities[self.labels.index(self.emotion)]

    @property
    def probabilities_by_name(self) -> dict[str, float] | None:
        """Probability of each label by its name, ``None`` where there are none."""
        if self.probabilities is None:
            return None
        return dict(zip(self.labels, self.probabilities, strict=True))

    @property
    def best(self) -> str | None:
        """Most probable label, also where it is too uncertain to be named."""
        if self.probabilities is None:
            return None
        return self.labels[self.probabilities.index(max(self.probabilities))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(OfStream):
    """Something that was heard but not analyzed because analysis fell behind."""

    type: ClassVar[str] = "drop"

    id: Annotated[int, COUNT]
    """Number of the utterance, unique in its stream."""
    kind: Annotated[Kind, word(Kind)]
    """Whether the whole utterance was given up or a partial result about it."""
    start_sample: Annotated[int, SAMPLES.at("start_s")]
    """Position of its first sample."""
    end_sample: Annotated[int, SAMPLES.at("end_s")]
    """Position just after its last sample."""

    @property
    def start_s(self) -> float:
        """Start of the utterance, in seconds since the start of the stream."""
        return seconds(self.start_sample)

    @property
    def end_s(self) -> float:
        """End of the utterance, in seconds since the start of the stream."""
        return seconds(self.end_sample)
