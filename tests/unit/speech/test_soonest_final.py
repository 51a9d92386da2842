"""The bound before which no utterance becomes final, whatever is heard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_parts import STREAM

from ser_live.config import FRAME_SAMPLES, SegmenterSettings
from ser_live.events import Kind, SpeechStarted, Utterance
from ser_live.speech.segmenter import Segmenter

SETTINGS = [
    SegmenterSettings(),
    SegmenterSettings(max_utterance_s=1.0, split_search_s=0.3),
    SegmenterSettings(max_utterance_s=3.0, split_search_s=1.0, hangover_s=0.1),
    SegmenterSettings(hangover_s=2.0, lead_s=0.0, pre_roll_s=0.0),
]
FRAME = np.full(FRAME_SAMPLES, 0.1, np.float32)

runs = st.lists(
    st.tuples(st.integers(1, 60), st.booleans(), st.booleans()), min_size=4, max_size=30
)


@pytest.mark.parametrize("rules", SETTINGS)
@given(runs=runs)
@settings(deadline=None, max_examples=40)
def test_nothing_is_final_before_the_bound(
    rules: SegmenterSettings, runs: list[tuple[int, bool, bool]]
) -> None:
    """Every bound that was told lies at or before the end of the frame that ends an utterance."""
    segmenter = Segmenter(rules, stream=STREAM)
    bound = segmenter.soonest_final
    for n_frames, is_speech, is_voiced in runs:
        for _ in range(n_frames):
            events = segmenter.push(FRAME, is_speech, is_voiced=is_voiced)
            if any(isinstance(e, Utterance) and e.kind is Kind.FINAL for e in events):
                assert bound <= segmenter.clock
            bound = max(bound, segmenter.soonest_final)


def test_the_bound_is_reached_in_silence() -> None:
    """After speech the utterance becomes final with the very frame that the bound lies in."""
    segmenter = Segmenter(stream=STREAM)
    events: list[object] = []
    while not any(isinstance(event, SpeechStarted) for event in events):
        events += segmenter.push(FRAME, True)
    for _ in range(40):
        segmenter.push(FRAME, True)
    bound = segmenter.soonest_final
    while not any(isinstance(event, Utterance) for event in segmenter.push(FRAME, False)):
        assert segmenter.clock < bound
    assert bound <= segmenter.clock < bound + FRAME_SAMPLES
