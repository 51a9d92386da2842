"""All that is told of a call, worked out once for every form that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ser_live.calls.call import Call, Side
from ser_live.calls.escalations import (
    MIN_BASELINE_S,
    MIN_BASELINE_UTTERANCES,
    Baseline,
    Escalation,
    baseline_of,
    escalations_of,
)
from ser_live.calls.measures import Measures
from ser_live.calls.voice import Quarter, Voice, quarters_of, voice_of


@dataclass(frozen=True)
class Findings:
    """Findings about one call."""

    call: Call

    @cached_property
    def measures(self) -> Measures:
        """Talk times, interruptions, reply gaps and silence."""
        return self.call.measures

    @cached_property
    def quarters(self) -> tuple[Quarter, ...]:
        """The quarters of the call."""
        return quarters_of(
            self.call.duration_s,
            {side.name: side.spans for side in self.call.sides},
            {side.name: side.results for side in self.call.analyzed},
            self.measures,
        )

    @cached_property
    def voices(self) -> dict[str, Voice]:
        """Each analyzed voice over the whole call."""
        return {side.name: voice_of(side.results, side.results) for side in self.call.analyzed}

    @cached_property
    def baselines(self) -> dict[str, Baseline | None]:
        """Usual sound of each analyzed voice; ``None`` where too little was judged."""
        return {side.name: baseline_of(side.results) for side in self.call.analyzed}

    @cached_property
    def escalations(self) -> dict[str, tuple[Escalation, ...]]:
        """Escalations of each analyzed voice; none without a baseline."""
        return {side.name: self._escalations(side) for side in self.call.analyzed}

    def _escalations(self, side: Side) -> tuple[Escalation, ...]:
        baseline = self.baselines[side.name]
        return () if baseline is None else escalations_of(side.results, baseline)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what the findings cannot say, and how the call was read."""
        call = self.call
        notes = list(call.notes)
        notes += [
            f"{name} was skipped: nothing is known of that channel, neither who interrupts whom "
            "nor whether that voice leaks into another one, where it is taken for that side's own."
            for name in call.skipped
        ]
        for (voice, other), level_db in call.leaks_db.items():
            notes.append(
                f"{voice} leaks into the channel of {other} at {level_db:.0f} dB: what is hardly "
                "above that is not taken for speech there."
            )
        for name, baseline in self.baselines.items():
            if baseline is None:
                notes.append(
                    f"{name}: too little speech was judged for a baseline, so escalations were not "
                    f"looked for ({MIN_BASELINE_UTTERANCES} utterances and {MIN_BASELINE_S:.0f} s "
                    "are needed)."
                )
        if call.has_legal_ground:
            notes.append(
                "a legal ground was claimed for analyzing somebody at work or at school "
                "(--i-have-a-legal-ground)."
            )
        return tuple(notes)


def worth_hearing(found: Findings) -> list[tuple[int, float, str]]:
    """Reasons to listen to a call again: rank (0 the most urgent), strength and a sentence.

    Only voices that were analyzed, and silence, count; nothing that somebody at work did.
    """
    from ser_live.terminal.text import clock

    reasons = []
    for name, escalations in found.escalations.items():
        for escalation in escalations:
            change = escalation.change
            strength = change.arousal_z - change.valence_z
            if escalation.recovery is None:
                sentence = f"{name} sounds upset from {clock(change.start_s)}, and not calmer later"
                reasons.append((0, strength, sentence))
            else:
                back = clock(escalation.recovery.start_s)
                sentence = f"{name} sounds upset from {clock(change.start_s)}, calmer from {back}"
                reasons.append((1, strength, sentence))
    for start_s, end_s in found.measures.long_silences:
        sentence = f"nobody spoke for {end_s - start_s:.0f} s at {clock(start_s)}"
        reasons.append((2, end_s - start_s, sentence))
    return sorted(reasons, key=lambda reason: (reason[0], -reason[1]))
