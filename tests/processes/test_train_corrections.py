"""``ser-live train --add corrections``, from labels beside logs to a model that listens."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from made_history import LABELS, lines_of, text_of

from ser_live.cli import cli
from ser_live.errors import UsageError
from ser_live.model.emotion_model import EmotionModel
from ser_live.records.corrections import Correction, add_correction

START = datetime(2026, 3, 2, 21, 30, tzinfo=timezone(timedelta(hours=1)))
N_SESSIONS, N_EACH = 5, 16


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Sessions of the default model; its answers are as sure as they are right."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / "state" / "ser-live" / "sessions"
    folder.mkdir(parents=True)
    sha256 = EmotionModel.load().card.weights_sha256
    rng = np.random.default_rng(0)
    found = []
    for number in range(N_SESSIONS):
        records = lines_of(
            START + timedelta(days=number),
            [(0.1, 0.1, 2.0)] * N_EACH,
            model_sha256=sha256,
            settings={"prior": "everyday"},
        )
        for record in records:
            if record["type"] == "emotion":
                scores = 1.2 * rng.standard_normal(len(LABELS))
                scores[rng.integers(len(LABELS))] += 2.5
                shares = np.exp(scores) / np.exp(scores).sum()
                record["probabilities"] = dict(zip(LABELS, map(float, shares), strict=True))
        log = folder / f"{START + timedelta(days=number):%Y-%m-%dT%H%M%S}.jsonl"
        log.write_text(text_of(records))
        found.append(log)
    return found


def label_all(logs: list[Path], meant: dict[str, str]) -> None:
    """Give the label that a person means by what the model says."""
    for log in logs:
        for line in log.read_text().splitlines():
            record = json.loads(line)
            if record["type"] == "emotion":
                shares = record["probabilities"]
                said = max(shares, key=lambda name: shares[name])
                emotion = meant.get(said, said)
                add_correction(
                    log,
                    Correction(stream=1, id=record["id"], emotion=emotion, by="me", at="2026"),
                )


def run(*arguments: str) -> None:
    cli(["train", *arguments], standalone_mode=False)


def test_a_model_for_one_person(
    logs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is measured, written, loaded, and answers in their words; its card names nobody."""
    label_all(logs, {"angry": "happy", "sad": "calm"})
    out = tmp_path / "me"
    run("--add", "corrections", "--out", str(out))
    said = capsys.readouterr()
    assert "80 corrections, 5 sessions" in said.out
    assert f"Wrote {out}" in said.out
    assert "what it calls angry you call happy" in said.out
    assert "Found 80 corrections in 5 sessions" in said.err
    model, before = EmotionModel.load(out), EmotionModel.load()
    assert (model.card.id, model.card.kind) == ("me", "corrected")
    assert model.card.uncertain_below == before.card.uncertain_below
    rule = model.fitted.correction
    assert rule is not None
    angry = np.where(np.array(LABELS) == "angry", 0.9, 0.1 / 7)[None, :]
    assert LABELS[int(rule.applied(angry).argmax())] == "happy"
    plain = {k: v for k, v in model.fitted.arrays().items() if not k.startswith("correction.")}
    assert all(np.array_equal(plain[k], v) for k, v in before.fitted.arrays().items())
    card = (out / "card.json").read_text() + (out / "MODEL_CARD.md").read_text()
    assert str(tmp_path) not in card
    found = json.loads((out / "card.json").read_text())["corrections"]
    assert (found["n_corrections"], found["n_sessions"]) == (80, 5)
    assert found["kappa"]["low"] > 0.0
    run("--add", "corrections", "--model", str(out), "--out", str(tmp_path / "again"))
    again = EmotionModel.load(tmp_path / "again").fitted.correction
    assert again is not None  # it is adapted from the same beginning, not twice
    assert np.array_equal(again.mixing, rule.mixing)


def test_what_is_no_better_is_not_written(
    logs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One who always agrees keeps the model, which is a result and no error."""
    label_all(logs, {})
    run("--add", "corrections", "--out", str(tmp_path / "me"))
    assert "no better than before" in capsys.readouterr().out
    assert not (tmp_path / "me").exists()


def test_too_few_corrections_are_refused(logs: list[Path], tmp_path: Path) -> None:
    """Also where only some sessions are asked for."""
    label_all(logs, {"angry": "happy"})
    named = ["--session", str(logs[0])]
    with pytest.raises(UsageError, match=r"16 corrections in 1 session.*14 more corrections and 2"):
        run("--add", "corrections", *named, "--out", str(tmp_path / "me"))


def test_options_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    """Recordings and corrections, and a place that holds the model to adapt."""
    out = ["--out", str(tmp_path / "me")]
    with pytest.raises(UsageError, match="--data beside --add"):
        run("--add", "corrections", "--data", str(tmp_path), *out)
    with pytest.raises(UsageError, match="neither --data nor --add"):
        run(*out)
    with pytest.raises(UsageError, match="without --add"):
        run("--data", str(tmp_path), "--by", "anna", *out)
    ear = EmotionModel.load()._folder
    with pytest.raises(UsageError, match="holds the model to adapt"):
        run("--add", "corrections", "--out", str(ear))
