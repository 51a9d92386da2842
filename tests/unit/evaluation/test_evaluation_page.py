"""The page and the plots of an evaluation, and the one command that makes them."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from places import SCRIPTS
from small_corpus import write_small_corpus
from synthetic_examples import nearest_centre

from ser_live.evaluation import evaluate
from ser_live.evaluation.protocols import actor_folds
from ser_live.evaluation.reporting.figures import draw_all
from ser_live.evaluation.reporting.page import page
from ser_live.evaluation.reporting.page_sections import finding_speech, rejection
from ser_live.training.augmentation import PLAIN
from ser_live.training.examples import Examples
from ser_live.training.recipe import RECIPES, Recipe


@pytest.fixture
def script() -> ModuleType:
    """scripts/make_evaluation.py."""
    spec = importlib.util.spec_from_file_location("make_evaluation", SCRIPTS / "make_evaluation.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up while it is being executed.
    sys.modules["make_evaluation"] = module
    spec.loader.exec_module(module)
    return module


def constant(examples: Examples, seed: int) -> object:
    """Nearest centre of features that are all the same: one answer for everything."""
    filled = np.zeros_like(examples.X, dtype=np.float64)
    return nearest_centre(
        Examples(
            **{**{f: getattr(examples, f) for f in examples.__dataclass_fields__}, "X": filled}
        ),
        0,
    )


@pytest.mark.slow
def test_one_command_makes_it_all(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JSON, plots and page of a recipe that knows nothing: chance everywhere, said so."""
    monkeypatch.setitem(
        RECIPES,
        "classic",
        Recipe("classic", "Nothing.", (PLAIN,), constant),  # type: ignore[arg-type]
    )
    # Three actors, so leaving one out stands in for EmoBox.
    monkeypatch.setattr(evaluate, "actor_folds", lambda _, actors: actor_folds("loso", actors))
    data, out = write_small_corpus(tmp_path / "data", (1, 2, 3)), tmp_path / "out"
    argv = ["x", "--data", str(data), "--out", str(out), "--cache", str(tmp_path / "cache")]
    argv += ["--jobs", "1", "--models", "classic", "--protocols", "emobox", "--every", "24"]
    monkeypatch.setattr(sys, "argv", argv)
    script.main()
    record = json.loads((out / "classic-emobox.json").read_text())
    assert record["uar"] == 0.125
    assert record["adapted"] is None
    assert {point["uar"] for point in record["onset"]["curve"]} == {0.125}
    assert record["permutation"]["n_folds"] == 3
    spoilt = json.loads((out / "classic-robustness.json").read_text())
    assert spoilt["clean"]["n"] == 1
    assert {item["name"] for item in spoilt["items"]} >= {"telephone, GSM", "white noise 20 dB"}
    text = (out / "README.md").read_text(encoding="utf-8")
    assert "| EmoBox, 6 folds of actors | **0.125** | [0.125, 0.125] |" in text
    assert "minutes" in text
    assert "(classic/robustness.svg)" in text
    for plot in (out / "classic").glob("*.svg"):
        assert plot.read_text().startswith("<?xml")


def test_the_page_of_nothing_is_a_page(tmp_path: Path) -> None:
    """Without any result there is a heading, and no table."""
    assert page(tmp_path).startswith("# How right it is")
    assert "|" not in page(tmp_path)


def test_targets_say_whether_they_are_reached(tmp_path: Path) -> None:
    """More is better unless it says less or nearer 0; a target without a result is left out."""
    (tmp_path / "a.json").write_text(
        '{"uar": 0.7, "gap": -0.08, "lost": -0.09, "interval": [0.65, 0.75]}'
    )
    targets = [
        {"what": "one", "file": "a.json", "path": ["uar"], "floor": 0.6, "aim": 0.8},
        {"what": "two", "file": "a.json", "path": ["gap"], "aim": 0.075, "better": "nearer 0"},
        {"what": "won", "file": "a.json", "path": ["lost"], "aim": 0.03, "better": "less"},
        {"what": "three", "file": "b.json", "path": ["uar"], "floor": 0.6},
        {"what": "four", "file": "a.json", "path": ["uar"], "interval": ["interval"], "floor": 0.7},
    ]
    (tmp_path / "targets.json").write_text(json.dumps({"targets": targets}))
    rows = [line for line in page(tmp_path).splitlines() if line.startswith("| ")][1:]
    assert rows[1:] == [
        "| one | 0.600 | 0.800 | **0.700** |  |  |  | yes / no |",
        "| two |  | ≤ 0.075 | **-0.080** |  |  |  | – / no |",
        "| won |  | ≤ 0.030 | **-0.090** |  |  |  | – / yes |",
        "| four | 0.700 |  | **0.700** |  | [0.650, 0.750] |  | yes / – |",
    ]


def test_the_mean_over_the_seeds_decides(tmp_path: Path) -> None:
    """One seed reached the floor, the mean of both does not."""
    (tmp_path / "b.json").write_text('{"uar": 0.79}')
    target = {"what": "one", "file": "b.json", "path": ["uar"], "floor": 0.78}
    (tmp_path / "targets.json").write_text(json.dumps({"targets": [target]}))
    assert "| **0.790** |  |  |  | yes / – |" in page(tmp_path)
    seeds = {"seeds": [0, 1], "measured": {"one": [0.79, 0.75]}}
    (tmp_path / "ear-seeds.json").write_text(json.dumps(seeds))
    assert "| **0.770** | 0.790, 0.750 |  |  | no / – |" in page(tmp_path)


def test_what_opens_no_utterance_is_kept_out_too() -> None:
    """Ten recordings, four open an utterance, three of them are rejected: nine are kept out."""
    own = {"n_recordings": 4, "rejected": 0.75, "interval": None, "by_kind": {}}
    lost = {"n_recordings": 50, "lost": 0.02, "interval": None, "beginnings_lost": None}
    text = "".join(
        rejection(
            {
                "n_offered": {"noise": 10},
                "sounds": {"noise": {"plain": own}},
                "speech": {"ravdess": {"plain": lost}},
                "left_out": {},
            }
        )
    )
    assert "| noise | 10 | 4 | 75.0% |  | **90.0%** |" in text
    assert "| ravdess | 50 | **2.0%** |  |" in text


def test_plots_need_no_more_than_the_numbers_there_are(tmp_path: Path) -> None:
    """Only what was measured is drawn, the same file every time."""
    scores = {"labels": ["a", "b"], "confusion_matrix": [[3, 1], [0, 4]]}
    assert draw_all(tmp_path, scores) == ["confusion.svg"]
    first = (tmp_path / "confusion.svg").read_bytes()
    draw_all(tmp_path, scores)
    assert (tmp_path / "confusion.svg").read_bytes() == first


def test_finding_speech_is_shown_with_and_without_the_second_detector() -> None:
    """One row a stream and a meeting, an undefined share left empty."""
    frames = {"f1": 0.9, "miss": 0.1, "false_alarm": None}
    alone = {"f1": 0.5, "miss": 0.4, "false_alarm": 0.2}
    noise = {kind: {"accepted": 3, "minutes": 2.0} for kind in ("no people", "people", "made")}
    record = {
        side: {"streams": {"pink 0 dB": found}, "conversation": {"all": found}, "noise": noise}
        for side, found in (("on", {"frames": frames}), ("off", {"frames": alone}))
    }
    rows = [line for line in "".join(finding_speech(record)).splitlines() if "0.900" in line]
    wanted = "| 0.900 | 0.100 |  | 0.500 | 0.400 | 0.200 |"
    assert rows == [f"| pink 0 dB {wanted}", f"| all meetings {wanted}"]
    assert finding_speech(None) == []
