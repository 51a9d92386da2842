"""Labels of many sessions beside the answers of one model."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from kept_session import write_kept_session
from made_history import LABELS, write_session
from synthetic_model import adapting_model

from ser_live.annotation.collected import (
    check_enough,
    collect,
    logs_with_corrections,
    unadapted,
)
from ser_live.errors import ModelError, UsageError
from ser_live.records.corrections import Correction, add_correction

START = datetime(2026, 3, 2, 21, 30, tzinfo=timezone(timedelta(hours=1)))
OWN = "0" * 64
"""Hash of the synthetic model's weights."""


@pytest.fixture
def sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of session logs."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / "state" / "ser-live" / "sessions"


def session(folder: Path, day: int, n: int = 4, **kind: object) -> Path:
    kind = {"model_sha256": OWN, "settings": {"prior": "everyday"}, **kind}
    return write_session(folder, START + timedelta(days=day), [(0.1, 0.1, 2.0)] * n, **kind)


def label(log: Path, *labels: str | None, by: str = "me", first: int = 1) -> Path:
    for number, emotion in enumerate(labels, start=first):
        add_correction(
            log, Correction(stream=1, id=number, emotion=emotion, by=by, at=START.isoformat())
        )
    return log


def test_logged_answers_stand_beside_labels(sessions: Path) -> None:
    """Those of the model itself are taken from the log, by session; what is withdrawn is not."""
    first = label(session(sessions, 0), "sad", "happy", "angry")
    label(first, None, first=2)
    second = label(session(sessions, 1), "calm")
    session(sessions, 2)
    assert sorted(logs_with_corrections()) == [first, second]
    found = collect([second, first, second], adapting_model())
    assert found.by == "me"
    assert [LABELS[place] for place in found.y] == ["calm", "sad", "angry"]
    assert found.sessions.tolist() == [1, 0, 0]
    assert found.probabilities[:, LABELS.index("happy")].tolist() == [0.65] * 3
    assert (found.n_heard_again, found.left_out, found.prior) == (0, {}, "everyday")
    assert "3 corrections in 2 sessions" in str(found)


def test_what_cannot_be_learned_from_is_counted(sessions: Path) -> None:
    """Other labels, unjudged utterances, another prior, and another model without audio."""
    log = label(session(sessions, 0, 5), "sad", "bored", "happy", "sad")
    label(log, "sad", first=40)
    other = label(session(sessions, 1, settings={"prior": "balanced"}), "sad")
    foreign = label(session(sessions, 2, model_sha256="9f2c41d07be3"), "sad", "happy")
    found = collect([log, other, foreign], adapting_model())
    assert (len(found.y), found.n_sessions) == (3, 1)
    assert sorted(found.left_out.values()) == [1, 1, 1, 2]
    with pytest.raises(UsageError, match="so 27 more corrections and 2 more sessions: give"):
        check_enough(found)


def test_sessions_of_another_model_are_heard_again(sessions: Path, tmp_path: Path) -> None:
    """From the kept audio, with the model that is asked for."""
    log = write_kept_session(sessions, tmp_path / "kept", [0.9, 0.4, 0.6], without_audio=1)
    label(log, "sad", "sad", "sad")
    model = adapting_model()
    found = collect([log], model)
    assert found.n_heard_again == 2
    assert list(found.left_out.values()) == [1]
    assert found.probabilities.sum(axis=1) == pytest.approx(1.0)
    assert not np.isclose(found.probabilities[:, LABELS.index("happy")], 0.9).any()


def test_a_log_that_goes_on_elsewhere_is_one_session(sessions: Path) -> None:
    """Both files are of one session, as its disk was full in between."""
    first = label(session(sessions, 0), "sad")
    second = session(sessions, 1)
    lines = second.read_text().splitlines(keepends=True)
    gone_on = f'{{"type":"log_continued","path":"{first.resolve()}","cause":"no room"}}\n'
    second.write_text("".join([lines[0], gone_on, *lines[1:]]))
    label(second, "sad")
    assert collect([second, first], adapting_model()).n_sessions == 1


def test_one_of_several_people_must_be_named(sessions: Path) -> None:
    """The sentence names them; one who is named has their own labels alone."""
    log = label(session(sessions, 0), "sad", by="anna")
    label(log, "happy", "happy", by="ben")
    with pytest.raises(UsageError, match=r"ben \(2\), anna \(1\)"):
        collect([log], adapting_model())
    with pytest.raises(UsageError, match="no corrections of 'carl'"):
        collect([log], adapting_model(), by="carl")
    assert len(collect([log], adapting_model(), by="ben").y) == 2


def test_no_correction_at_all_is_said() -> None:
    """The sentence says how to begin."""
    with pytest.raises(UsageError, match="Found 0 corrections in 0 sessions"):
        collect([], adapting_model())


def test_a_model_with_a_correction_of_unknown_origin_is_refused() -> None:
    """The one it was made of decides which logs are its own."""
    from dataclasses import replace

    from ser_live.model.correction import CorrectionRule
    from ser_live.model.emotion_model import EmotionModel

    plain = adapting_model()
    assert unadapted(plain) == (plain, OWN)
    rule = CorrectionRule(np.eye(8), np.array(1.0), np.zeros(8))
    adapted = EmotionModel(plain.card, replace(plain.fitted, correction=rule))
    with pytest.raises(ModelError, match="does not say from what"):
        unadapted(adapted)
