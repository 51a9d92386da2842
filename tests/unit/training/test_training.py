"""Examples, evaluation and the two commands on a corpus in miniature."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from small_corpus import write_small_corpus
from stream_parts import segmenting

from ser_live.cli.evaluate import command as evaluate_command
from ser_live.cli.train import command as train_command
from ser_live.datasets.ravdess import find_recordings
from ser_live.emotions import LABELS
from ser_live.errors import DatasetError, UsageError
from ser_live.evaluation.evaluate import Evaluation
from ser_live.evaluation.folds import clip_probabilities
from ser_live.evaluation.protocols import actor_folds
from ser_live.events import Kind, Utterance, Verdict
from ser_live.features import FEATURE_NAMES, extract
from ser_live.high_pass import high_passed
from ser_live.model.classifier import Classifier
from ser_live.model.emotion_model import EmotionModel
from ser_live.model.ensemble import Ensemble
from ser_live.model.fitted import Fitted
from ser_live.sources import FileSource
from ser_live.stream.drive import drive
from ser_live.training import augmentation
from ser_live.training import examples as examples_module
from ser_live.training.augmentation import PLAIN
from ser_live.training.examples import Examples, make_examples
from ser_live.training.recipe import Recipe, find_recipe

K = len(LABELS)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_corpus(tmp_path_factory.mktemp("corpus"), (1, 2, 3))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_examples_are_what_the_live_path_computes(corpus: Path, cache: Path) -> None:
    """Each whole utterance has the features of the very samples the segmenter cut out."""
    recordings = find_recordings(corpus)[:2]
    examples = make_examples(recordings, cache_dir=cache)
    for clip, recording in enumerate(recordings):
        live = [
            event
            for event in drive(
                FileSource(recording.path, speed=0),
                lambda source: segmenting(
                    sample_rate=source.sample_rate, n_channels=source.n_channels
                ),
            )
            if isinstance(event, Utterance) and event.state is Verdict.OK
        ]
        rows = examples.where(examples.clips == clip)
        assert len(rows) == len(live) > 0
        assert rows.is_final.tolist() == [event.kind is Kind.FINAL for event in live]
        final = live[-1]
        assert rows.X[-1] == pytest.approx(extract(high_passed(final.samples)).values, nan_ok=True)
        assert rows.speech_s[-1] == final.speech_s
        assert LABELS[rows.y[0]] == recording.label
        assert set(rows.speakers) == {recording.speaker}


def test_the_cache_knows_content_not_names(
    corpus: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renamed recording comes from the cache; changed settings or code do not."""
    recordings = find_recordings(corpus)[:1]
    before = make_examples(recordings, cache_dir=cache)
    path = tmp_path / "03-01-02-01-01-01-09.wav"
    path.write_bytes(recordings[0].path.read_bytes())
    renamed = find_recordings(tmp_path)

    def refuse(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(examples_module, "rows_of_samples", refuse)
    after = make_examples(renamed, cache_dir=cache)
    assert np.array_equal(before.X, after.X, equal_nan=True)
    assert set(after.speakers) == {"ravdess-09"}
    monkeypatch.setattr(examples_module, "code_hash", lambda *_, **__: "other code")
    with pytest.raises(AssertionError, match="computed again"):
        make_examples(recordings, cache_dir=cache)


def test_a_recording_without_speech_gives_no_rows(tmp_path: Path) -> None:
    """Silence is no example, and the empty table still has its columns."""
    import soundfile

    soundfile.write(tmp_path / "03-01-01-01-01-01-01.wav", np.zeros(16_000), 16_000)
    examples = make_examples(find_recordings(tmp_path))
    assert len(examples) == 0
    assert examples.X.shape == (0, len(FEATURE_NAMES))


class Spy:
    """A recipe that remembers whom it was trained on and always answers the same."""

    def __init__(self) -> None:
        self.seen: list[set[str]] = []

    def fit(self, examples: Examples, seed: int) -> Fitted:
        self.seen.append(set(examples.speakers))
        return Fitted(Ensemble.of(classifier_that_answers(3)))

    @property
    def recipe(self) -> Recipe:
        return Recipe("spy", "Always the same.", (PLAIN,), self.fit)


def classifier_that_answers(label: int) -> Classifier:
    from ser_live.model.classifier import LinearHead

    n = len(FEATURE_NAMES)
    return Classifier(
        impute=np.zeros(n),
        mean=np.zeros(n),
        scale=np.ones(n),
        limit=np.array(4.0),
        used=np.arange(1),
        projection=np.ones((1, 1)),
        heads=(LinearHead(np.zeros((1, K)), 3.0 * np.eye(K)[label]),),
        head_weights=np.ones(1),
        temperature=np.array(1.0),
    )


def test_no_actor_is_trained_on_and_tested(corpus: Path, cache: Path) -> None:
    """Leaving one out, each fold trains on the others; one answer for all scores chance."""
    spy = Spy()
    folds: list[None] = []
    evaluation = Evaluation(
        spy.recipe, find_recordings(corpus), cache_dir=cache, on_fold=lambda: folds.append(None)
    )
    report = evaluation.run("loso")
    everyone = {"ravdess-01", "ravdess-02", "ravdess-03"}
    assert spy.seen == [everyone - {speaker} for speaker in sorted(everyone)]
    assert len(folds) == evaluation.n_folds("loso") == 3
    assert report.uar == pytest.approx(1 / K)
    assert report.accuracy == pytest.approx(1 / K)


def test_the_notebook_protocol_leaks_and_says_so(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quarter of three rows a clip is tested, all voices are in training; both numbers come."""
    import ser_live.evaluation.evaluate as module

    # The corpus in miniature has three actors, so leaving one out stands in for EmoBox; what
    # the notebook does to sound has tests of its own.
    monkeypatch.setattr(augmentation, "_notebook", lambda samples, *_: 0.5 * samples)
    monkeypatch.setattr(module, "actor_folds", lambda _, actors: actor_folds("loso", actors))
    spy = Spy()
    report = Evaluation(spy.recipe, find_recordings(corpus)).run("notebook")
    record = report.as_json()
    assert spy.seen[0] == {"ravdess-01", "ravdess-02", "ravdess-03"}
    assert record["n"] == 18
    assert record["leaks"] is True
    assert "leaks" in record["warning"]
    assert record["unseen_actors"]["n"] == 24
    assert record["unseen_actors"]["leaks"] is False


def test_clips_are_the_weighted_mean_of_their_utterances() -> None:
    """Speech time weighs; a clip without utterances is uniform and counted."""
    n = len(FEATURE_NAMES)
    X = np.zeros((3, n))
    X[:, 0] = (1.0, -1.0, 1.0)
    table = Examples(
        X=X,
        y=np.zeros(3, dtype=np.int64),
        speakers=np.array(["s"] * 3),
        clips=np.array([4, 4, 9]),
        variants=np.array([PLAIN] * 3),
        is_final=np.ones(3, dtype=bool),
        speech_s=np.array([1.0, 3.0, 2.0]),
        corpora=np.array(["ravdess"] * 3),
        intensity=np.array([""] * 3),
    )

    class Sign:
        def predict_proba(self, X: np.ndarray) -> np.ndarray:
            return np.where(X[:, :1] > 0, np.eye(K)[0], np.eye(K)[1])

    found, n_empty = clip_probabilities(Sign(), table, table.clips, np.array([4, 7, 9]))  # type: ignore[arg-type]
    assert found[0, :2].tolist() == [0.25, 0.75]
    assert found[1] == pytest.approx(1 / K)
    assert found[2, 0] == 1.0
    assert n_empty == 1


def test_unknown_recipes_and_missing_actors_are_refused(corpus: Path) -> None:
    """Before anything is computed, the message says what is needed."""
    with pytest.raises(UsageError, match="no training recipe 'magic': choose one of classic"):
        find_recipe("magic")
    with pytest.raises(DatasetError, match=r"actors 4, 5, .* are missing"):
        Evaluation(find_recipe("classic"), find_recordings(corpus)).run("emobox")


def test_train_and_evaluate_from_the_command_line(
    corpus: Path, cache: Path, tmp_path: Path
) -> None:
    """A model is written that loads and answers; a report has every key it promises."""
    runner = CliRunner()
    out = tmp_path / "my-model"
    common = ["--data", str(corpus), "--model", "classic", "--cache", str(cache)]
    result = runner.invoke(
        train_command, [*common, "--out", str(out), "--no-scores"], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    model = EmotionModel.load(out)
    assert model.card.id == "my-model"
    assert "NC" in model.card.licence
    assert model.predict_proba(np.full(len(FEATURE_NAMES), np.nan)).sum() == pytest.approx(1.0)
    text = (out / "MODEL_CARD.md").read_text(encoding="utf-8")
    for phrase in ("Acted, not felt", "Article 5(1)(f)", "CC BY-NC-SA"):
        assert phrase in text
    report = tmp_path / "report.json"
    result = runner.invoke(
        evaluate_command,
        [*common, "--protocol", "loso", "--onset", "--robustness", "--json", str(report)],
        catch_exceptions=False,
    )
    assert result.exit_code == 0, result.output
    assert "UAR" in result.output
    for shown in ("only the beginnings", "1.5 s", "spoilt sound: ", "telephone, GSM"):
        assert shown in result.output
    record = json.loads(report.read_text())
    assert record["n"] == 24
    assert record["chance_uar"] == 0.125
    assert {"accuracy", "uar", "macro_f1", "ece", "interval", "per_actor"} <= record.keys()
    assert np.sum(record["confusion_matrix"]) == 24
    assert [point["seconds"] for point in record["onset"]["curve"]] == [0.5, 1.0, 1.5, 2.0, 3.0]
    assert {"small", "noise 20 dB", "room", "telephone"} <= record["robustness"]["groups"].keys()
    wrong = [*common, "--protocol", "notebook", "--onset"]
    with pytest.raises(UsageError, match="actors that were held out"):
        runner.invoke(evaluate_command, wrong, catch_exceptions=False)
