"""Settings, frozen. Durations are in seconds, levels in dBFS, ratios in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, TypeVar

from ser_live.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Number = TypeVar("_Number", bound=float | None)

SAMPLE_RATE_HZ = 16_000
"""The one sample rate inside the program, in hertz."""

FRAME_SAMPLES = 480
"""Length of one voice-activity frame, in samples at 16 kHz."""

FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
"""Length of one voice-activity frame, in seconds."""


EVERYDAY, BALANCED = "everyday", "balanced"
"""Priors that have a name."""


def read_shares(prior: str) -> dict[str, float]:
    """Shares by label from ``neutral=0.6,happy=0.1``.

    Raises
    ------
    UsageError
        It has another form, names a label twice, or a share is not between 0 and 1.
    """
    given: dict[str, float] = {}
    for part in prior.split(","):
        label, _, number = part.rpartition("=")
        label = label.strip()
        try:
            share = float(number)
        except ValueError:
            share = 0.0
        if not label or not 0.0 < share < 1.0 or label in given:
            raise UsageError(
                f"the prior is {prior[:60]!r}, but {EVERYDAY}, {BALANCED} or shares between 0 and "
                "1 such as neutral=0.6,happy=0.1 are needed."
            )
        given[label] = share
    return given


def within(low: float, high: float, default: _Number) -> _Number:
    """Field of a number from `low` to `high`, both included."""
    number: _Number = field(default=default, metadata={"limits": (low, high)})
    return number


def check_limits(settings: DataclassInstance) -> None:
    """Raise ``UsageError`` for a number outside its limits; NaN is outside of all."""
    for f in fields(settings):
        value = getattr(settings, f.name)
        if "limits" not in f.metadata or (value is None and f.default is None):
            continue
        low, high = f.metadata["limits"]
        if not low <= value <= high:
            raise UsageError(
                f"the setting {f.name} is {str(value)[:20]}, but {low:g} to {high:g} is needed: "
                "see `ser-live listen --help-settings`."
            )


@dataclass(frozen=True)
class VadSettings:
    """Limits by which 30 ms frames count as speech, and some of them as voiced."""

    aggressiveness: int = within(0, 3, 2)
    """WebRTC detector mode, 0 (lenient) to 3 (strict)."""
    min_level_dbfs: float = within(-120, 0, -70.0)
    """A frame below this level is never speech."""
    min_above_noise_db: float = within(-60, 60, 3.0)
    """A frame must stand this far above the tracked noise floor to be speech."""
    noise_window_s: float = within(0.1, 60, 3.0)
    """The noise floor follows the quietest moments of this much past."""
    min_periodicity: float = within(0, 1, 0.60)
    """A voiced frame repeats itself at a pitch period (60-500 Hz) at least this well."""
    min_share_below_1_khz: float = within(0, 1, 0.15)
    """A voiced frame has at least this share of its energy below 1 kHz."""
    min_share_below_2_khz: float = within(0, 1, 0.60)
    """A voiced frame has at least this share of its energy below 2 kHz."""
    max_burstiness: float = within(1, 100, 4.0)
    """In a voiced frame no eighth is louder than this times the mean power, unlike a click."""
    confirm: str = "auto"
    """Network that confirms speech: on, off, or auto (on where onnxruntime is installed)."""
    wake_above_noise_db: float = within(-60, 60, 2.0)
    """The network wakes for a frame this far above the noise floor."""
    sure_probability: float = within(0, 1, 0.30)
    """At or above this probability the network alone makes a frame speech, and voiced."""
    possible_probability: float = within(0, 1, 0.10)
    """At or above this probability a frame is speech when the cheap gate hears it too."""
    suspected_probability: float = within(0, 1, 0.02)
    """At or above this probability such a frame may begin an utterance that opens later."""

    def __post_init__(self) -> None:
        check_limits(self)
        if self.confirm not in ("auto", "on", "off"):
            raise UsageError(
                f"the setting confirm is {self.confirm!r}, but auto, on or off is needed."
            )


@dataclass(frozen=True)
class SegmenterSettings:
    """Rules by which frames are joined into utterances."""

    window_s: float = within(0.03, 3, 0.30)
    """Length of the sliding window whose speech share opens and closes utterances."""
    open_share: float = within(0, 1, 0.75)
    """Share of speech frames in the window that opens an utterance."""
    open_voiced_share: float = within(0, 1, 0.30)
    """Share of voiced frames in the window that opens an utterance."""
    close_share: float = within(0, 1, 0.25)
    """Share of speech frames in the window at or below which the hangover runs."""
    max_unvoiced_s: float = within(0, 60, 0.60)
    """Speech frames this long after the last voiced frame no longer hold back the hangover."""
    lead_s: float = within(0, 10, 1.20)
    """Time before the opening window in which the first speech frame is looked for."""
    lead_pause_s: float = within(0, 10, 0.15)
    """A pause longer than this ends that search."""
    pre_roll_s: float = within(0, 5, 0.20)
    """Audio kept from before the first speech frame, so that no syllable is cut."""
    hangover_s: float = within(0, 10, 0.45)
    """Silence after the last speech frame that ends an utterance."""
    post_roll_s: float = within(0, 5, 0.10)
    """Audio kept after the last speech frame."""
    min_speech_s: float = within(0, 10, 0.35)
    """Utterances with less speech than this are reported as too short."""
    min_speech_share: float = within(0, 1, 0.50)
    """Least share of suspected frames from the first to the last; below it, it was clatter."""
    min_voiced_share: float = within(0, 1, 0.10)
    """Least share of voiced frames among the speech frames; below it, it was clatter."""
    max_utterance_s: float = within(1, 29, 12.0)
    """An utterance longer than this is split at its quietest point."""
    split_search_s: float = within(0.3, 29, 3.0)
    """The quietest point is looked for in this last part."""
    partial_first_s: float = within(0, 60, 1.0)
    """Speech heard before the first partial result."""
    partial_every_s: float = within(0, 60, 0.5)
    """Least speech between partial results."""
    partial_growth: float = within(0, 10, 0.25)
    """Least speech between partial results, as a share of what was heard: the learned encoder
    hears the whole utterance again for each."""
    no_signal_s: float = within(0.1, 3600, 1.0)
    """Exact zeros for this long are reported as no signal."""

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True)
class RejectSettings:
    """Limits beyond which an utterance is given a state instead of an emotion."""

    min_speech_s: float = within(0, 10, 0.35)
    """Less speech than this is ``too short``."""
    min_level_dbfs: float = within(-120, 0, -55.0)
    """Speech level below this is ``too quiet``."""
    max_clipped_share: float = within(0, 1, 0.01)
    """More samples at full scale than this is ``clipped``."""
    min_snr_db: float = within(-60, 60, 3.0)
    """Speech less than this far above the noise floor is ``too noisy``."""
    min_speech_probability: float | None = within(0, 1, None)
    """A probability of speech below this is ``not speech``; ``None`` takes the model's own."""
    min_confidence: float | None = within(0, 1, None)
    """Winning probability below this is ``uncertain``; ``None`` takes the model's own."""

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True)
class Settings:
    """Everything that shapes a session's results; stored in the session log's first line."""

    vad: VadSettings = field(default_factory=VadSettings)
    segmenter: SegmenterSettings = field(default_factory=SegmenterSettings)
    reject: RejectSettings = field(default_factory=RejectSettings)
    adapt: bool = True
    """Whether a session's utterances are judged against the speaker's own past in it."""
    prior: str = EVERYDAY
    """Base rates of the labels: ``everyday`` (mostly plain talk), ``balanced`` (all alike, as with
    actors), or shares such as ``neutral=0.6,happy=0.1``."""
    queue_size: int = within(1, 100_000, 64)
    """Utterances that may wait for analysis before a live session drops one."""

    def __post_init__(self) -> None:
        check_limits(self)
        if self.prior not in (EVERYDAY, BALANCED):
            read_shares(self.prior)
