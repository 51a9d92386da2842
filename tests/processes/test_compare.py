"""``ser-live compare`` on recordings of one's own, made of the sentences that come with it."""

from __future__ import annotations

import json
import shutil
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest

from ser_live import iter_utterances
from ser_live.cli import cli
from ser_live.errors import DatasetError, ModelError
from ser_live.model.emotion_model import EmotionModel, find_model

pytest.importorskip("joblib", reason="needs the extra train")
pytest.importorskip("librosa", reason="needs the extra train")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two labels of two speakers, two recordings each."""
    import soundfile

    folder = tmp_path_factory.mktemp("data")
    with as_file(files("ser_live") / "acted" / "speech.ogg") as path:
        said = [r.samples for r in iter_utterances(path, model="classic", keeps_audio=True)]
    silence = np.zeros(8000, np.float32)
    for place, samples in enumerate(said[:8]):
        assert samples is not None
        label, speaker = ("angry", "sad")[place % 2], f"s{place // 4}"
        target = folder / label / speaker
        target.mkdir(parents=True, exist_ok=True)
        soundfile.write(target / f"{place}.wav", np.concatenate([silence, samples, silence]), 16000)
    return folder


def run(*arguments: object) -> None:
    cli(["compare", *map(str, arguments)], standalone_mode=False)


def test_both_models_judge_the_same(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a table, JSON and CSV, with the unit of the intervals and chance."""
    cache = ["--cache", tmp_path / "cache"]
    run("classic", "ear", "--data", data, *cache)
    said = capsys.readouterr()
    assert "UAR" in said.out
    assert "8 recordings of 2 speakers; prior balanced; chance: UAR 0.500" in said.out
    run("classic", "ear", "--data", data, *cache, "-f", "json")
    record = json.loads(capsys.readouterr().out)
    assert (record["a"]["id"], record["b"]["id"], record["by"]) == ("classic", "ear", "speaker")
    uar = record["figures"][0]
    assert uar["difference"] == pytest.approx(uar["b"] - uar["a"], abs=2e-4)
    run("ear", "ear", "--data", data, *cache, "-f", "csv")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "figure,label,a,b,difference,low,high"
    assert lines[1].startswith("uar,,")
    assert {line.split(",")[4] for line in lines[1:]} <= {"0.0", ""}


def relabelled(folder: Path, labels: dict[str, str]) -> Path:
    """The small model with other names for its labels."""
    shutil.copytree(find_model("classic"), folder)
    text = (folder / "card.json").read_text(encoding="utf-8")
    card = json.loads(text)
    card["labels"] = [labels.get(label, f"{label} x") for label in card["labels"]]
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    assert EmotionModel.load(folder).card.labels
    return folder


def test_models_of_other_labels(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are compared on what both have, which is said; with nothing in common refused."""
    cache = ["--cache", tmp_path / "cache"]
    some = relabelled(tmp_path / "some", {"angry": "angry", "sad": "sad"})
    run("classic", some, "--data", data, *cache, "-f", "json")
    said = capsys.readouterr()
    assert json.loads(said.out)["labels"] == ["sad", "angry"]
    assert "compared on sad, angry alone" in said.err
    with pytest.raises(ModelError, match="two labels that both have"):
        run("classic", relabelled(tmp_path / "none", {}), "--data", data)
    happy = relabelled(tmp_path / "happy", {"happy": "happy", "calm": "calm"})
    with pytest.raises(DatasetError, match="no recording with a label that both models have"):
        run("classic", happy, "--data", data)
