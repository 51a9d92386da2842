"""Measures of strangers' plain talk, and of talk that is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import ser_live
from ser_live.datasets.conversations import find_conversations
from ser_live.evaluation.everyday import area_under_curve, everyday_means, told_apart
from ser_live.evaluation.refused_talk import HEARD, MISSED, refused_talk_section
from ser_live.model.emotion_model import EmotionModel

DEMO = Path(ser_live.__file__).parent / "demo.ogg"
scores = st.lists(st.integers(0, 5), min_size=1, max_size=20)


@given(scores, scores)
def test_the_area_is_the_chance_that_a_positive_scores_higher(a: list[int], b: list[int]) -> None:
    pairs = [(x > y) + 0.5 * (x == y) for x in a for y in b]
    found = area_under_curve(np.array(a, float), np.array(b, float))
    assert found == pytest.approx(np.mean(pairs))


def test_the_area_of_nothing_is_undefined() -> None:
    assert np.isnan(area_under_curve(np.zeros(0), np.ones(3)))


def test_sources_are_told_from_every_corpus_alike() -> None:
    """Small corpora count as much as large ones."""
    heard = {
        "nemo": np.full(90, 1.0),
        "ased": np.array([-1.0]),
        "everyday/talk": np.zeros(5),
        "everyday/words": np.full(3, -2.0),
    }
    assert told_apart(heard) == {"talk": 0.5, "words": 1.0}


def test_means_count_every_source_the_same() -> None:
    common = {"named": 1.0, "surely_else": 0.0, "auc": 0.5}
    means = everyday_means(
        {
            "a": {"kind": "reading", "plain_of_named": 0.5, **common},
            "b": {"kind": "reading", "plain_of_named": 1.0, **common},
            "c": {"kind": "words", "plain_of_named": 0.0, **common},
        }
    )
    assert means["mean_plain_of_named"] == 0.5
    assert means["by_kind"]["reading"]["plain_of_named"] == 0.75
    assert means["by_kind"]["words"]["plain_of_named"] == 0.0


def test_published_speech_is_told_by_what_became_of_it(tmp_path: Path) -> None:
    """The demo is talk throughout; a turn that is published for silence is in no utterance."""
    samples, rate = soundfile.read(DEMO)
    soundfile.write(tmp_path / "talk.wav", np.concatenate([samples, np.zeros(5 * rate)]), rate)
    talk_s = len(samples) / rate
    (tmp_path / "truth.rttm").write_text(
        f"SPEAKER talk 1 0 {talk_s} <NA> <NA> a <NA> <NA>\n"
        f"SPEAKER talk 1 {talk_s + 1} 3.0 <NA> <NA> b <NA> <NA>\n"
    )
    section = refused_talk_section(find_conversations(tmp_path), EmotionModel.load("classic"))
    assert section["speech_s"] == pytest.approx(talk_s + 3.0, abs=0.1)
    assert section["shares"][HEARD] > 0.5
    assert section["shares"][MISSED] * section["speech_s"] > 2.9
    assert sum(section["shares"].values()) == pytest.approx(1.0, abs=1e-3)
    assert section["conversations"]["talk"] == {k: section[k] for k in ("speech_s", "shares")}
