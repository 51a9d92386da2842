"""The recipe for labels of one's own learns what is there, and says how well."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from places import ROOT
from rich.console import Console

from ser_live import EmotionModel, analyze
from ser_live.cli import cli
from ser_live.datasets.own import OwnRecordings
from ser_live.datasets.recording import Recording
from ser_live.errors import DatasetError, UsageError
from ser_live.evaluation.own import NOT_BY_SPEAKER, measure_own, n_folds_of, own_table
from ser_live.model.fitted import Fitted
from ser_live.model.inputs import N_HAND_MADE, InputLayout
from ser_live.training.augmentation import MILD, PLAIN
from ser_live.training.card_text import card_text
from ser_live.training.examples import Examples
from ser_live.training.own import fit, folds_of, row_weights
from ser_live.training.recipe import own_recipe

LABELS = ("bored", "excited", "stressed")
K = len(LABELS)
LAYOUT = InputLayout(N_HAND_MADE, 6)


def corpus(
    n_speakers: int = 4, n_each: int = 5, *, by_speaker: bool = True
) -> tuple[Examples, OwnRecordings]:
    """Numbers in place of sound: value k of the embedding is large when label k was meant."""
    rng = np.random.default_rng(1)
    recordings = [
        Recording(
            "own", f"own-{who if by_speaker else (who, k, label)}", Path(f"{label}{who}{k}.wav"),
            label, "", "",
        )
        for who in range(n_speakers)
        for label in LABELS
        for k in range(n_each)
    ]  # fmt: skip
    y = np.array([LABELS.index(recording.label) for recording in recordings])
    rows, whole, variants = [], [], []
    for variant in (PLAIN, MILD):
        for is_final in (False, True):
            X = rng.standard_normal((len(y), LAYOUT.n_inputs))
            X[:, LAYOUT.embedding][np.arange(len(y)), y] += 3.0
            X[0, LAYOUT.embedding] = np.nan
            rows.append(X)
            whole.append(np.full(len(y), is_final))
            variants.append(np.full(len(y), variant))
    n = len(rows)
    examples = Examples(
        X=np.concatenate(rows).astype(np.float32),
        y=np.tile(y, n),
        speakers=np.tile([recording.speaker for recording in recordings], n),
        clips=np.tile(np.arange(len(y)), n),
        variants=np.concatenate(variants),
        is_final=np.concatenate(whole),
        speech_s=np.ones(n * len(y)),
        corpora=np.full(n * len(y), "own"),
        intensity=np.full(n * len(y), ""),
    )
    return examples, OwnRecordings(recordings, "folders", {"unreadable": 2}, by_speaker)


def test_it_learns_the_labels_that_are_there() -> None:
    """Right on its own examples, the same when fitted or loaded again, features described."""
    examples, _ = corpus()
    fitted = fit(examples, 0, n_labels=K)
    answers = fitted.predict_proba(examples.X)
    assert answers.shape == (len(examples), K)
    assert answers.sum(axis=1) == pytest.approx(1.0)
    assert np.mean(answers.argmax(axis=1) == examples.y) > 0.9
    assert np.array_equal(fit(examples, 0, n_labels=K).predict_proba(examples.X), answers)
    again = Fitted.from_arrays(fitted.arrays(), LAYOUT, K)
    assert np.array_equal(again.predict_proba(examples.X), answers)
    described = fitted.feature_scale[LAYOUT.hand_made]
    assert (described > 0.5).all()
    assert (described < 2.0).all()


def test_a_label_without_examples_is_not_the_answer() -> None:
    """As in a fold that holds out its only speaker."""
    examples, _ = corpus()
    heard = examples.where(examples.y != 1)
    assert (fit(heard, 0, n_labels=K).predict_proba(heard.X).argmax(axis=1) != 1).all()


def test_every_label_weighs_the_same() -> None:
    """However many recordings it has; a beginning weighs less than a whole utterance."""
    examples, _ = corpus()
    examples = examples.where((examples.y != 0) | (examples.clips % 2 == 0))
    weights = row_weights(examples, K)
    assert np.bincount(examples.y, weights=weights) == pytest.approx(np.ones(K))
    same = (examples.y == 1) & (examples.variants == PLAIN)
    assert weights[same & ~examples.is_final].max() < weights[same & examples.is_final].min()


def test_silence_teaches_nothing() -> None:
    """Recordings without speech give no rows, and that is said."""
    examples, _ = corpus()
    with pytest.raises(DatasetError, match="speech in fewer than two recordings"):
        fit(examples.where(examples.clips == 0), 0, n_labels=K)


def test_folds_share_no_voice_and_have_every_label() -> None:
    """Few voices are folds of their own; single recordings are spread label by label."""
    voices, y = np.repeat(["a", "b", "c"], 4), np.tile([0, 1], 6)
    folds = folds_of(voices, y, 5, 0)
    assert len(set(zip(voices.tolist(), folds.tolist(), strict=True))) == 3 == len(set(folds))
    clips = np.array([f"clip {k}" for k in range(30)])
    folds = folds_of(clips, np.repeat([0, 1, 2], 10), 5, 0)
    assert np.bincount(folds).tolist() == [6] * 5
    assert all(np.bincount(folds[k : k + 10]).tolist() == [2] * 5 for k in (0, 10, 20))


@pytest.mark.parametrize("by_speaker", [True, False])
def test_it_is_measured_on_voices_left_out(by_speaker: bool) -> None:
    """With interval and chance; where voices are not known, recordings are, and it says so."""
    examples, found = corpus(by_speaker=by_speaker)
    recipe = own_recipe(K)
    done: list[None] = []
    record = measure_own(recipe, found, examples, seed=0, on_fold=lambda: done.append(None))
    assert len(done) == record["n_folds"] == n_folds_of(found) == (4 if by_speaker else 5)
    assert record["by"] == ("speaker" if by_speaker else "recording")
    assert record.get("warning") == (None if by_speaker else NOT_BY_SPEAKER)
    low, high = record["interval"]["uar"]
    assert 1 / 3 < low <= record["uar"] <= high <= 1.0
    assert record["chance_uar"] == pytest.approx(1 / 3, abs=1e-4)
    assert record["labels"] == list(LABELS)
    assert np.sum(record["confusion_matrix"]) == len(found.recordings)
    json.dumps(record, allow_nan=False)
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(own_table(record))
    text = console.export_text()
    for word in (*LABELS, "chance 0.333", "95 % over"):
        assert word in text
    assert ("flatters" in text) is not by_speaker


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_too_little_is_refused_before_the_work(tmp_path: Path, command: str) -> None:
    """Also what is meant for RAVDESS alone."""
    (tmp_path / "bored").mkdir()
    argv = [command, "--data", str(tmp_path)]
    argv += ["--out", str(tmp_path / "m")] if command == "train" else []
    with pytest.raises(DatasetError, match="holds no labelled recording"):
        CliRunner().invoke(cli, argv, catch_exceptions=False)
    if command == "evaluate":
        with pytest.raises(UsageError, match="they are for RAVDESS"):
            CliRunner().invoke(cli, [*argv, "--onset"], catch_exceptions=False)


@pytest.mark.corpus
def test_own_labels_from_training_to_the_log(corpus_dir: Path, tmp_path: Path) -> None:
    """Train on a few clips under names of one's own; every display has the model's labels."""
    if not (corpus_dir / "nemo").is_dir():
        pytest.skip(f"no nemo in {corpus_dir}")
    words = {"anger": "stressed", "sadness": "bored", "happiness": "excited"}
    clips = []
    for theirs, ours in words.items():
        for who in ("EB0", "KS0"):
            folder = tmp_path / "calls" / ours / who
            folder.mkdir(parents=True)
            for path in sorted((corpus_dir / "nemo").glob(f"{who}_{theirs}_*.flac"))[:2]:
                clips.append(folder / path.name)
                clips[-1].write_bytes(path.read_bytes())
    out, log = tmp_path / "mine", tmp_path / "log.jsonl"
    data = ["--data", str(tmp_path / "calls"), "--cache", str(tmp_path / "cache")]
    with pytest.raises(DatasetError, match="bored lacks 26 of its 30 recordings"):
        CliRunner().invoke(cli, ["train", *data, "--out", str(out)], catch_exceptions=False)
    said = _run("train", *data, "--out", str(out), "--few")
    assert "12 recordings of 2 speakers by folders: 4 bored, 4 excited, 4 stressed" in said
    assert "own: UAR" in said
    model = EmotionModel.load(out)
    assert model.card.labels == LABELS
    assert model.card.coordinates is None
    assert model.min_speech_probability > 0
    recording = analyze(clips[0], model=model)
    assert [u.labels for u in recording.utterances] == [LABELS] * len(recording.utterances)
    assert all(u.valence is None and u.arousal is None for u in recording.utterances)
    summary = recording.summary["probabilities"]
    assert isinstance(summary, dict)
    assert tuple(summary) == LABELS
    played = ["replay", *map(str, clips[::4]), "--speed", "0", "--model", str(out)]
    live = [sys.executable, "-m", "ser_live", *played, "--format", "lines", "--log", str(log)]
    lines = subprocess.run(live, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert any(word in lines for word in (*LABELS, "uncertain"))
    assert "probability_bored,probability_excited,probability_stressed" in _run(
        "log", "export", str(log)
    )
    assert "mine" in _run("log", "show", str(log))


def _run(*argv: str) -> str:
    result = CliRunner().invoke(cli, list(argv), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_card_for_people_says_what_was_measured() -> None:
    """By recording, it says that the same voice may be on both sides; without scores, nothing."""
    card = {
        "id": "mine", "kind": "own", "description": "Ours.", "licence": "ours.", "seed": 0,
        "labels": list(LABELS), "weights": {"sha256": "00"},
        "encoder": {"source": "an encoder", "licence": "MIT"},
        "data": {
            "corpora": [{"name": "folders", "n_clips": 9, "n_speakers": None}],
            "variants": [PLAIN],
        },
        "versions": {"ser-live": "1", "python": "3", "numpy": "2"},
        "scores": {
            "own": {
                "uar": 0.5, "accuracy": 0.6, "ece": 0.1, "n": 9, "n_folds": 5, "by": "recording",
                "interval": {"uar": [None, None]},
            }
        },
    }  # fmt: skip
    text = card_text(card)
    for phrase in ("9 recordings (speakers not said)", "0.500, chance", "the same voice may be"):
        assert phrase in text
    assert "Not measured" in card_text({**card, "scores": {}})
