"""Rounds of labelling, the file of labels, and agreement."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from kept_session import write_kept_session

from ser_live.annotation.agreement import agreement, kappa
from ser_live.annotation.round import Order, Round
from ser_live.errors import LogError
from ser_live.purge import Kind, remove, take_inventory
from ser_live.records.corrections import corrections_file, read_corrections


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A session of four utterances, one without audio."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    sessions = tmp_path / "state" / "ser-live" / "sessions"
    return write_kept_session(sessions, tmp_path / "kept", [0.9, 0.4, 0.6, 0.5], without_audio=1)


def labels(log: Path, by: str = "me") -> dict[int, str]:
    found = read_corrections(log).by_person.get(by, {})
    return {number: label for (_, number), label in found.items()}


def test_the_least_certain_is_heard_first(log: Path) -> None:
    """By the probability of the most probable label; in time, as they were spoken."""
    labelling = Round(log, by="me")
    assert [item.result.id for item in labelling.items] == [2, 3, 1]
    assert [i.result.id for i in Round(log, by="me", order=Order.TIME).items] == [1, 2, 3]
    assert {i.result.id for i in Round(log, by="me", order=Order.RANDOM).items} == {1, 2, 3}
    assert (labelling.n_unheard, labelling.n_unjudged) == (1, 0)
    assert labelling.items[0].recording.name == "microphone-u00002.flac"


def test_labels_are_stored_at_once_beside_an_unchanged_log(log: Path) -> None:
    """Private, one line each, with who and when; the next round asks about the rest."""
    before = log.read_bytes()
    labelling = Round(log, by="me")
    labelling.answer("sad")
    path = corrections_file(log)
    assert path.name == "2026-03-02T213000.corrections.jsonl"
    record = json.loads(path.read_text().splitlines()[-1])
    assert {**record, "at": ""} == {
        "type": "correction", "id": 2, "stream": 1, "emotion": "sad", "by": "me", "at": "",
    }  # fmt: skip
    assert path.stat().st_mode & 0o777 == 0o600
    assert log.read_bytes() == before
    assert [item.result.id for item in Round(log, by="me").items] == [3, 1]
    assert [item.result.id for item in Round(log, by="you").items] == [2, 3, 1]
    assert [item.result.id for item in Round(log, by="me", again=True).items] == [2, 3, 1]


def test_a_step_back_takes_a_label_back(log: Path) -> None:
    """Answered again, the later label holds; skipped, none does."""
    labelling = Round(log, by="me")
    assert not labelling.undo()
    labelling.answer("sad")
    assert labelling.undo()
    labelling.answer("angry")
    labelling.answer("calm")
    assert labels(log) == {2: "angry", 3: "calm"}
    labelling.undo()
    labelling.skip()
    assert labels(log) == {2: "angry"}
    assert labelling.pairs() == [("angry", "happy")]


def test_a_cut_or_foreign_line_is_passed_over(log: Path) -> None:
    """What a kill left is counted; the label after it is whole."""
    Round(log, by="me").answer("sad")
    with corrections_file(log).open("a") as file:
        file.write('{"type":"correction","id":3,"stream":1,"emotion":7,"by":"me","at":""}\n{"ty')
    labelling = Round(log, by="me")
    assert labelling.n_passed_over == 2
    labelling.answer("calm")
    assert labels(log) == {2: "sad", 3: "calm"}


def test_a_file_of_something_else_is_left_alone(log: Path) -> None:
    """Neither read nor added to."""
    corrections_file(log).write_text("shopping list\n")
    with pytest.raises(LogError, match="move it away"):
        Round(log, by="me")
    assert corrections_file(log).read_text() == "shopping list\n"


def test_audio_that_may_be_of_another_session_is_not_taken(log: Path, tmp_path: Path) -> None:
    """Two files of one name and length: no telling which; one of another length is another's."""
    kept = tmp_path / "kept"
    one = kept / "microphone-u00001.flac"
    (kept / "microphone-u00001-2.flac").write_bytes(one.read_bytes())
    (kept / "microphone-u00002-2.flac").write_bytes(one.read_bytes())
    labelling = Round(log, by="me")
    assert [item.result.id for item in labelling.items] == [2, 3]
    assert labelling.items[0].recording.name == "microphone-u00002.flac"


def test_purging_a_log_takes_its_labels(log: Path) -> None:
    """They say what was heard, so they go with it; nothing is said to be somebody else's."""
    Round(log, by="me").answer("sad")
    found = take_inventory(sessions=True, profiles=False, modified_before=math.inf)
    assert [file.path for file in found.files if file.kind is Kind.LABELS] == [
        corrections_file(log)
    ]
    assert found.kept == []
    assert remove(found) == []
    assert not log.parent.exists()


def test_kappa_is_that_of_the_textbook() -> None:
    """Cohen's example: 20 and 15 agreements of 50 give 0.4; scikit-learn says the same."""
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert kappa(pairs) == pytest.approx(0.4)
    metrics = pytest.importorskip("sklearn.metrics")
    own, other = zip(*pairs, strict=True)
    assert kappa(pairs) == pytest.approx(metrics.cohen_kappa_score(own, other))
    found = agreement(pairs)
    assert found is not None
    assert (found.n, found.share) == (50, 0.7)
    # Wilson's interval, by the formula in its other form.
    assert (found.share_low, found.share_high) == pytest.approx((0.5625, 0.8090), abs=1e-4)
    assert found.kappa_low < 0.4 < found.kappa_high
    assert found.kappa_low == pytest.approx(0.15, abs=0.06)


def test_too_few_labels_have_no_agreement() -> None:
    """Nine say next to nothing; labels that never vary have no kappa."""
    assert agreement([("sad", "sad")] * 9) is None
    found = agreement([("sad", "sad")] * 20)
    assert found is not None
    assert math.isnan(found.kappa)
    assert found.share_low == pytest.approx(0.8389, abs=1e-4)
