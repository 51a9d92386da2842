"""Steadiness of what is shown: the arithmetic, the page, and real talk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ser_live.config import SAMPLE_RATE_HZ, Settings
from ser_live.evaluation.reporting.page_sections import steadiness
from ser_live.evaluation.steadiness import (
    Shown,
    Talk,
    compared,
    n_changes,
    shown_in,
    steadiness_section,
    talk_in,
)
from ser_live.events import EmotionResult, Kind
from ser_live.model.emotion_model import EmotionModel
from ser_live.sources import read_recording
from ser_live.stream.analyzer import Analyzer


def shown(labels: str, speaker: str = "a") -> Shown:
    """Labels a letter each, the last one of the final; a second of speech before each."""
    return Shown(speaker, tuple(1.0 + k for k in range(len(labels))), tuple(labels))


@pytest.mark.parametrize(
    ("labels", "n_steps", "n_changed", "n_as_final", "delay_s"),
    [
        ("hhhh", 2, 0, 3, 0.0),
        ("hshh", 2, 2, 2, 2.0),
        ("hhhs", 2, 0, 0, 3.0),
        ("hs", 0, 0, 0, 1.0),
        ("ss", 0, 0, 1, 0.0),
    ],
)
def test_one_utterance(
    labels: str, n_steps: int, n_changed: int, n_as_final: int, delay_s: float
) -> None:
    """The step to the final is none; the delay ends where the final's label stays."""
    one = shown(labels)
    assert (len(one.steps), n_changes(one.steps)) == (n_steps, n_changed)
    assert (one.n_as_final, one.delay_s) == (n_as_final, delay_s)


def test_utterances_are_summed_up_and_written() -> None:
    """Shares are of all steps and utterances; the page shows both sides."""
    pairs = [
        (shown("hshh"), shown("hhhh")),
        (shown("hhss", "b"), shown("hhhs", "b")),
        (shown("hs", "b"), shown("hs", "b")),
    ]
    found = compared(pairs)
    assert (found["n_speakers"], found["n_utterances"], found["n_steps"]) == (2, 3, 4)
    before = {name: measure["value"] for name, measure in found["before"].items()}
    assert before == {
        "changes_per_step": 0.75,
        "changes_per_judged_step": 0.75,
        "changes_per_utterance": 1.5,
        "utterances_changed": 1.0,
        "partials_as_final": round(3 / 7, 4),
        "final_unseen": round(1 / 3, 4),
        "delay_s": round(5 / 3, 4),
    }
    assert found["after"]["changes_per_step"] == {"value": 0.0, "interval": [0.0, 0.0]}
    text = "".join(steadiness(json.loads(json.dumps({"sets": {"talk": found}}))))
    assert "talk 3 utterances of 2, 4 steps" in text
    assert "| 0.750 [0.500, 1.000] | 0.000 [0.000, 0.000] |" in text
    assert steadiness(None) == []


def test_a_refused_result_is_no_judged_step() -> None:
    """From and to ``not speech`` nothing was weighed; ``uncertain`` is an answer."""
    one = Shown("a", (1.0, 1.5, 2.0, 2.5, 3.0), ("sad", "not speech", "sad", "uncertain", "sad"))
    assert (len(one.steps), n_changes(one.steps)) == (3, 3)
    assert one.judged_steps == [("sad", "uncertain")]


def test_talk_is_found_by_the_name_of_its_folder(tmp_path: Path) -> None:
    """An index names the speakers of clips; a meeting is its own."""
    assert talk_in(tmp_path) == {}
    clips, meetings = tmp_path / "emotale", tmp_path / "conversation"
    clips.mkdir()
    meetings.mkdir()
    (clips / "index.csv").write_text(
        "file,emotion,speaker,gender\nDK_001_A_1.wav,angry,emotale001,female\n"
    )
    (clips / "DK_001_A_1.wav").touch()
    (meetings / "one.wav").touch()
    (meetings / "truth.rttm").write_text("SPEAKER one 1 0.5 1.0 <NA> <NA> x <NA> <NA>\n")
    assert talk_in(tmp_path) == {
        "emotale": [Talk(clips / "DK_001_A_1.wav", "emotale-001")],
        "conversation": [Talk(meetings / "one.wav", "one")],
    }


def test_talk_that_the_model_was_trained_on_is_left_out(short_talk: Path) -> None:
    """A set that the model's card names is not measured; another one is, on both sides."""
    talk = [Talk(short_talk, "one")]
    found = steadiness_section(EmotionModel.load("classic"), {"ravdess": talk, "demo": talk})
    assert list(found["sets"]) == ["demo"]
    assert found["sets"]["demo"]["n_steps"] >= 1
    assert set(found["sets"]["demo"]["before"]) == set(found["sets"]["demo"]["after"])


def test_real_talk_keeps_its_label(corpus_dir: Path) -> None:
    """A meeting: the label changes rarely, the finals are those without a memory."""
    path = corpus_dir / "conversation" / "dev01.flac"
    if not path.is_file():
        pytest.skip(f"no {path}: the folder of recordings has no meetings")
    pairs = shown_in(Talk(path, "dev01"), EmotionModel.load(), Settings())
    assert [raw.labels[-1] for raw, _ in pairs] == [kept.labels[-1] for _, kept in pairs]
    n_steps = sum(len(kept.steps) for _, kept in pairs)
    n_raw, n_kept = (sum(n_changes(pair[side].steps) for pair in pairs) for side in (0, 1))
    assert n_steps >= 10
    assert n_kept <= min(n_raw, 0.2 * n_steps)


def test_real_talk_is_shown_the_same_however_it_arrives(corpus_dir: Path) -> None:
    """Blocks of another size give the same labels, partial results included."""
    path = corpus_dir / "conversation" / "dev01.flac"
    if not path.is_file():
        pytest.skip(f"no {path}: the folder of recordings has no meetings")
    samples = read_recording(path)[: 10 * SAMPLE_RATE_HZ]
    model = EmotionModel.load()
    shown_of_sizes = []
    for size in (len(samples), 1_000):
        analyzer = Analyzer(model=model)
        blocks = [samples[start : start + size] for start in range(0, len(samples), size)]
        events = [event for block in blocks for event in analyzer.push(block)] + analyzer.close()
        results = [event for event in events if isinstance(event, EmotionResult)]
        shown_of_sizes.append([(r.id, r.end_sample, r.emotion, r.state) for r in results])
    assert any(r.kind is Kind.PARTIAL for r in results)
    assert shown_of_sizes[0] == shown_of_sizes[1]
