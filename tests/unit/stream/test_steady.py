"""The label shown while an utterance goes on: no change without evidence, the same every time."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_parts import STREAM, analysis, buzz

from ser_live.arrays import Float64
from ser_live.config import RejectSettings, Settings
from ser_live.emotions import EMOTIONS, LABELS, Emotion
from ser_live.events import Kind, Verdict
from ser_live.model.emotion_model import EmotionModel
from ser_live.model.speaker_shift import SpeakerShift
from ser_live.stream.steady import EVIDENCE_TO_CHANGE, SteadyLabel, sure_label

SURE = 0.35
NAMED = len(LABELS)

shares = st.lists(st.floats(0.0, 1.0), min_size=NAMED, max_size=NAMED).map(
    lambda values: np.array(values) / max(sum(values), 1e-9)
)
partials = st.lists(st.tuples(st.floats(0.03, 3.0), shares), min_size=1, max_size=12)
"""New speech in seconds, and probabilities."""

Partials = list[tuple[float, Float64]]


def shown(heard: Partials, steady: SteadyLabel | None = None, utterance: int = 1) -> list[int]:
    """Label shown at each partial result; `NAMED` stands for none."""
    steady = steady or SteadyLabel(SURE)
    speech_s, labels = 0.0, []
    for new_s, probabilities in heard:
        speech_s += new_s
        label = steady.label(utterance, speech_s, probabilities)
        labels.append(NAMED if label is None else label)
    return labels


def mostly(label: int, probability: float = 0.6) -> Float64:
    """Probabilities with one label ahead."""
    rest = np.full(NAMED, (1 - probability) / (NAMED - 1))
    rest[label] = probability
    return rest


@settings(deadline=None)
@given(shares, st.lists(st.floats(0.03, 3.0), min_size=1, max_size=12))
def test_what_stays_the_same_is_shown_the_same(probabilities: Float64, steps: list[float]) -> None:
    """Constant probabilities show their most probable label, if it is sure, for ever."""
    first = sure_label(probabilities, SURE)
    labels = shown([(new_s, probabilities) for new_s in steps])
    assert set(labels) == {NAMED if first is None else first}


@settings(deadline=None)
@given(partials)
def test_a_change_needs_evidence(heard: Partials) -> None:
    """Who takes over leads now, and has led by enough for long enough since the last change."""
    labels = shown(heard)
    since = 0
    for place in range(1, len(labels)):
        old, new = labels[place - 1], labels[place]
        if old == new:
            continue
        leads = [
            new_s * math.log(max(p[new], 1e-3) / max(p[old], 1e-3))
            for new_s, p in ((s, np.append(p, SURE)) for s, p in heard[since + 1 : place + 1])
        ]
        assert leads[-1] > 0
        assert sum(max(0.0, lead) for lead in leads) >= EVIDENCE_TO_CHANGE - 1e-9
        since = place


@settings(deadline=None)
@given(partials, partials)
def test_only_the_utterance_itself_counts(before: Partials, heard: Partials) -> None:
    """A replay answers the same, whatever was said in the utterance before."""
    used = SteadyLabel(SURE)
    shown(before, used, utterance=1)
    assert shown(heard, used, utterance=2) == shown(heard) == shown(heard)


def test_a_flicker_is_not_followed_and_a_lasting_lead_is() -> None:
    """One partial with another label ahead changes nothing; when it goes on, the label follows."""
    a, b = mostly(2, 0.5), mostly(3, 0.5)
    assert shown([(1.0, a), (0.1, b), (0.5, a), (0.1, b)]) == [2, 2, 2, 2]
    assert shown([(1.0, a)] + [(0.1, b)] * 9)[-1] == 3


def test_no_label_gives_way_and_takes_over_like_a_label() -> None:
    """A weak beginning is unsure; so becomes a label that stays weak."""
    weak, strong = mostly(2, 0.2), mostly(2, 0.8)
    assert shown([(1.0, weak), (0.1, strong)]) == [NAMED, NAMED]
    assert shown([(1.0, weak)] + [(0.5, strong)] * 4)[-1] == 2
    assert shown([(1.0, strong), (0.1, weak)]) == [2, 2]
    assert shown([(1.0, strong)] + [(0.5, weak)] * 4)[-1] == NAMED


class Scripted(EmotionModel):
    """Says one thing after another, whatever it hears."""

    script: list[Float64]

    @classmethod
    def of(cls, *script: Float64) -> Scripted:
        bundled = EmotionModel.load("classic")
        model = cls(bundled.card, bundled.fitted)
        model.script = list(script)
        return model

    def predict_proba(
        self, x: Float64, speaker: SpeakerShift | None = None, shares: Float64 | None = None
    ) -> Float64:
        return self.script.pop(0)


def test_a_final_is_free_of_what_was_shown() -> None:
    """Partials keep the first label with its own probability; the final names the best."""
    happy, sad = EMOTIONS.index(Emotion.HAPPY), EMOTIONS.index(Emotion.SAD)
    last = mostly(sad, 0.45)
    last[happy] = 0.4
    stage = analysis(
        Scripted.of(mostly(happy), last, last), Settings(reject=RejectSettings(min_confidence=SURE))
    )
    final = buzz()
    partial = replace(final, kind=Kind.PARTIAL)
    first, second, third = (stage.judge(heard) for heard in (partial, partial, final))
    assert [r.emotion for r in (first, second, third)] == [
        Emotion.HAPPY,
        Emotion.HAPPY,
        Emotion.SAD,
    ]
    assert second.state is Verdict.OK
    assert second.probabilities == third.probabilities == tuple(last)
    assert second.best == Emotion.SAD
    assert (second.confidence, third.confidence) == (0.4, 0.45)
    assert third.stream == STREAM
