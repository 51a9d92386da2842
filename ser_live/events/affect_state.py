"""The event of a running emotion, for programs that act on it."""

# Without postponed annotations: the forms of the fields are read from them.

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from ser_live.events.forms import PROBABILITIES, SAMPLES, TEXT, TRUTH, number
from ser_live.events.record import OfStream
from ser_live.events.stream_id import seconds
from ser_live.events.utterances import UNIT

UNKNOWN = "unknown"
"""Label of a state that knows of no speech, or none that tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectState(OfStream):
    """The running emotion of a stream: slow to change its label, for what is to be controlled.

    `EmotionState` makes it of the results; sessions do not give it by themselves.
    """

    type: ClassVar[str] = "affect_state"

    sample: Annotated[int, SAMPLES.at("start_s")]
    """Position from which on this holds."""
    label: Annotated[str, TEXT]
    """The model's label, or ``unknown``."""
    since_sample: Annotated[int, SAMPLES.at("since_s")]
    """Position from which on `label` is the same."""
    valence: Annotated[float | None, UNIT]
    """Mean over the latest speech, -1 unpleasant to +1 pleasant; ``None`` where none was given."""
    arousal: Annotated[float | None, UNIT]
    """Mean over the latest speech, -1 sleepy to +1 excited; ``None`` where none was given."""
    probabilities: Annotated[Mapping[str, float] | None, PROBABILITIES]
    """Mean of the calibrated probabilities over the latest speech; ``None`` while unknown."""
    certainty: Annotated[float, number(3, 0.0, 1.0)]
    """Mean probability of `label` times how much recent speech it rests on, 0 to 1; it fades in
    silence."""
    speaking: Annotated[bool, TRUTH]
    """Whether an utterance is open."""

    @property
    def start_s(self) -> float:
        """Position, in seconds."""
        return seconds(self.sample)

    @property
    def since_s(self) -> float:
        """Position of the latest change of the label, in seconds."""
        return seconds(self.since_sample)
