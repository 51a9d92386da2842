"""Calibration, whole corpora held out, permuted labels, onsets and spoilt sound."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from small_corpus import write_small_corpus
from synthetic_examples import fitted_that_answers, linear, nearest_centre, synthetic_corpus

from ser_live.config import Settings
from ser_live.datasets.corpora import recordings_in
from ser_live.datasets.ravdess import find_recordings
from ser_live.emotions import LABELS
from ser_live.errors import DatasetError
from ser_live.evaluation import calibration
from ser_live.evaluation.cross_corpus import (
    corpora_table,
    judged_labels,
    leave_corpus_out,
)
from ser_live.evaluation.evaluate import Evaluation
from ser_live.evaluation.folds import FoldFit, fit_folds, training_rows
from ser_live.evaluation.judge import judged, sexes_compared
from ser_live.evaluation.live_path import Hearing
from ser_live.evaluation.onset import SECONDS, clips_under_test, onset_section
from ser_live.evaluation.permutation import permutation_check, permuted_labels
from ser_live.evaluation.rejection import folds_of_speech
from ser_live.evaluation.robustness import robustness_section
from ser_live.evaluation.robustness_suite import Corruption
from ser_live.features import FEATURE_NAMES
from ser_live.model.classifier import Classifier
from ser_live.model.ensemble import Ensemble
from ser_live.model.fitted import Fitted
from ser_live.training.augmentation import PLAIN
from ser_live.training.examples import Examples
from ser_live.training.recipe import Recipe

K = len(LABELS)
ROWS_SEEN: list[set[str]] = []


def remember(examples: Examples, seed: int) -> Fitted:
    """Fit as ever, and note whom."""
    ROWS_SEEN.append(set(examples.speakers.tolist()))
    return nearest_centre(examples, seed)


RECIPE = Recipe(
    "nearest", "Nearest centre.", (PLAIN,), remember, corpora=("ravdess", "nemo", "ased")
)


def in_halves(recordings: list) -> list[tuple[str, np.ndarray]]:
    """Two folds by speaker."""
    speakers = np.array([recording.speaker for recording in recordings])
    names = np.unique(speakers)
    return [(str(n), np.isin(speakers, names[n::2])) for n in range(2)]


def test_coverage_of_known_cases() -> None:
    """Right when sure, wrong when not: the sure half is right, all of them half the time."""
    confidence = np.linspace(0.51, 0.99, 100)
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    y = np.where(np.arange(100) >= 50, 0, 1)
    assert calibration.accuracy_of_confident_half(y, probabilities) == 1.0
    assert calibration.accuracy_at_coverage(y, probabilities, 1.0) == 0.5
    assert calibration.accuracy_at_coverage(y, probabilities, 0.75) == pytest.approx(50 / 75)


def test_equal_confidences_do_not_depend_on_their_order() -> None:
    """Where all are equally sure, every coverage has the overall accuracy."""
    probabilities = np.tile([0.7, 0.3], (10, 1))
    y = np.array([0] * 7 + [1] * 3)
    for coverage in (0.2, 0.5, 1.0):
        assert calibration.accuracy_at_coverage(y, probabilities, coverage) == pytest.approx(0.7)
        assert calibration.accuracy_at_coverage(y[::-1], probabilities, coverage) == pytest.approx(
            0.7
        )


def test_the_threshold_for_an_error_rate() -> None:
    """Ten answers, the four least sure wrong: seven and a half may be kept at 20 % error."""
    confidence = np.linspace(0.95, 0.5, 10)
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    y = np.array([0] * 6 + [1] * 4)
    assert calibration.threshold_for_error(y, probabilities, 0.2) == pytest.approx(confidence[6])
    assert calibration.threshold_for_error(y, probabilities, 0.0) == pytest.approx(confidence[5])
    assert calibration.threshold_for_error(y, probabilities, 1.0) == pytest.approx(confidence[9])
    assert calibration.threshold_for_error(1 - y[:6], probabilities[:6], 0.2) == 1.0


def test_a_threshold_is_never_chosen_on_the_answers_it_judges() -> None:
    """Fold 0 is always right and fold 1 always wrong: each gets the other's threshold."""
    probabilities = np.tile([[0.9, 0.1], [0.6, 0.4]], (10, 1))
    folds = np.repeat([0, 1], 10)
    y = np.where(folds == 0, 0, 1)
    found = calibration.chosen_threshold(y, probabilities, folds)
    # Fold 1's threshold, chosen on the ever right fold 0, keeps all; fold 0 keeps none.
    assert found["coverage"] == pytest.approx(0.5)
    assert found["error"] == 1.0


def test_reliability_bins_of_honest_probabilities_lie_on_the_diagonal() -> None:
    """Labels drawn from the stated probabilities: accuracy equals confidence in every bin."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(0.5 * np.ones(K), size=100_000)
    drawn = (probabilities.cumsum(axis=1) > rng.random((100_000, 1))).argmax(axis=1)
    bins = calibration.reliability_bins(drawn, probabilities)
    assert sum(one["n"] for one in bins) == 100_000
    for one in bins:
        if one["n"] > 2000:
            assert one["accuracy"] == pytest.approx(one["confidence"], abs=0.03)


def test_scores_of_always_the_same_answer() -> None:
    """Recall 1 and precision 1/K for that label, UAR 1/K, the others never named."""
    y = np.repeat(np.arange(K), 5)
    speakers = np.tile([f"s{n}" for n in range(5)], K)
    score = judged(y, np.tile(0.9 * np.eye(K)[2] + 0.1 / K, (40, 1)), speakers)
    assert score["uar"] == score["chance_uar"] == 1 / K
    assert score["interval"]["uar"] == [1 / K, 1 / K]
    assert score["per_class_recall"]["happy"] == 1.0
    assert score["per_class_precision"] == {
        label: (1 / K if label == "happy" else None) for label in LABELS
    }


def test_the_gap_between_the_sexes() -> None:
    """Men always right, women half the time: the gap is -0.5."""
    y = np.tile([0, 1], 40)
    sexes = np.repeat(["male", "female"], 40)
    speakers = np.repeat([f"s{n}" for n in range(8)], 10)
    answers = np.where(sexes == "male", y, 0)
    found = sexes_compared(y, np.eye(K)[answers], speakers, sexes)
    assert found["male"]["uar"] == 1.0
    assert found["female"]["uar"] == 0.5
    assert found["gap"] == {"uar": -0.5, "interval": [-0.5, -0.5]}


def test_what_tested_actors_sing_is_neither_tested_nor_trained_on() -> None:
    """Each fold trains on the song of the other actors alone; the song has no score."""
    examples, recordings = speech_and_song("ravdess")
    evaluation = Evaluation(RECIPE, recordings)
    evaluation.made[RECIPE.variants] = examples
    record = evaluation.run("loso").as_json()
    assert record["n"] == 3 * 60
    assert set(record["per_actor"]) == {"ravdess-01", "ravdess-02", "ravdess-03"}
    sung = examples.corpora == "ravdess_song"
    for fit in evaluation.fits("loso"):
        trained = training_rows(examples, fit.is_test)
        (actor,) = set(examples.speakers[fit.is_test])
        assert not (trained & (examples.speakers == actor)).any()
        assert set(examples.speakers[trained & sung]) == set(examples.speakers) - {actor}
        assert not (fit.is_test & sung).any()


def test_song_is_no_corpus_that_can_be_left_out() -> None:
    """Its voices are those of RAVDESS: it is trained on with it and never judged."""
    examples, recordings = speech_and_song("ravdess", "nemo")
    ROWS_SEEN.clear()
    found = leave_corpus_out(RECIPE, examples, recordings)
    assert list(found["corpora"]) == ["nemo"]
    assert found["corpora"]["nemo"]["trained_on"] == ["ravdess", "ravdess_song"]
    assert [{"ravdess-01", "ravdess-02", "ravdess-03"}] * 2 == ROWS_SEEN


def test_song_is_in_the_fold_of_its_actor() -> None:
    """The speech check is measured without a voice it knows, too."""
    examples, _ = speech_and_song("ravdess", "nemo")
    folds = folds_of_speech(examples)
    for speaker in np.unique(examples.speakers):
        assert len(np.unique(folds[examples.speakers == speaker])) == 1


def test_speakers_on_both_sides_are_refused() -> None:
    """A split through a speaker is an error, by name."""
    examples, recordings = synthetic_corpus(n_speakers=2)
    is_test = np.zeros(len(recordings), dtype=bool)
    is_test[:10] = True
    with pytest.raises(DatasetError, match="ravdess-01 among those tested"):
        training_rows(examples, is_test)


def test_fits_are_kept_and_found_again(tmp_path: Path) -> None:
    """The second time nothing is fitted; other training rows are."""
    examples, recordings = synthetic_corpus(n_speakers=4)
    masks = in_halves(recordings)
    first = fit_folds(RECIPE, examples, masks, seed=0, fits_dir=tmp_path)
    ROWS_SEEN.clear()
    again = fit_folds(RECIPE, examples, masks, seed=0, fits_dir=tmp_path)
    assert ROWS_SEEN == []
    assert np.array_equal(
        first[0].fitted.predict_proba(examples.X), again[0].fitted.predict_proba(examples.X)
    )
    fit_folds(RECIPE, replace(examples, X=examples.X + 1), masks, seed=0, fits_dir=tmp_path)
    assert len(ROWS_SEEN) == 2


def test_a_corpus_that_is_judged_was_never_trained_on() -> None:
    """Every fit lacks the judged corpus; the last has RAVDESS alone."""
    examples, recordings = several_corpora("nemo", "ravdess", "ased")
    ROWS_SEEN.clear()
    found = leave_corpus_out(RECIPE, examples, recordings)
    of = [{speaker.split("-")[0] for speaker in seen} for seen in ROWS_SEEN]
    assert of == [{"nemo", "ravdess"}, {"ased", "ravdess"}, {"ravdess"}]
    assert list(found["corpora"]) == ["ased", "nemo"]
    assert found["corpora"]["nemo"]["trained_on"] == ["ased", "ravdess"]
    for score in found["corpora"].values():
        assert score["labels"] == ["neutral", "happy", "sad", "angry"]
        assert score["uar"] > 0.95
        assert score["chance_uar"] == 0.25
        assert score["n"] == 3 * (4 + 8 + 8 + 8)
    assert found["mean_chance_uar"] == 0.25
    low, high = found["mean_uar_interval"]
    assert low <= found["mean_uar"] <= high
    screen = Console(file=io.StringIO(), width=120)
    screen.print(corpora_table(found))
    assert "neutral happy sad angry" in screen.file.getvalue()  # type: ignore[attr-defined]


def test_a_corpus_whose_labels_are_in_doubt_is_left_out_of_a_second_mean() -> None:
    """The mean counts every corpus, the second one those whose labels nobody doubts."""
    examples, recordings = several_corpora("nemo", "ravdess", "etts_ko", "ased")
    found = leave_corpus_out(RECIPE, examples, recordings)
    sure = [found["corpora"][name] for name in ("ased", "nemo")]
    assert set(found["corpora"]) == {"ased", "etts_ko", "nemo"}
    for of in ("uar", "everyday_prior_uar"):
        mean = sum(one[of] for one in sure) / 2
        assert found["undisputed"][of] == pytest.approx(mean, abs=1e-4)


def test_other_corpora_are_trained_on_and_ravdess_alone_is_tested() -> None:
    """Every fold sees all of the other corpus and none of its own actor."""
    examples, recordings = several_corpora("nemo", "ravdess")
    evaluation = Evaluation(RECIPE, recordings)
    evaluation.made[RECIPE.variants] = examples
    ROWS_SEEN.clear()
    record = evaluation.run("loso").as_json()
    nemo = {f"nemo-{n:02d}" for n in (1, 2, 3)}
    actors = {f"ravdess-{n:02d}" for n in (1, 2, 3)}
    assert [nemo | actors - {actor} for actor in sorted(actors)] == ROWS_SEEN
    assert record["n"] == 3 * 60
    assert record["trained_on"] == ["nemo", "ravdess"]
    assert set(record["per_actor"]) == actors
    assert record["uar"] > 0.95
    with pytest.raises(DatasetError, match="splits RAVDESS alone"):
        evaluation.run("notebook")


def test_corpora_that_are_only_judged_are_not_varied(tmp_path: Path) -> None:
    """Of RAVDESS all variants are made, of a corpus the recipe does not train on the plain one."""
    recordings = find_recordings(write_small_corpus(tmp_path, (1,)))[:2]
    stranger = replace(recordings[0], corpus="elsewhere", speaker="elsewhere-1")
    recipe = replace(RECIPE, variants=(PLAIN, "speed"), corpora=("ravdess",))
    evaluation = Evaluation(recipe, [stranger, *recordings])
    examples = evaluation.examples("loso")
    final = examples.where(examples.is_final)
    found = sorted(zip(final.clips.tolist(), final.variants.tolist(), strict=True))
    assert found == [(0, PLAIN), (1, PLAIN), (1, "speed"), (2, PLAIN), (2, "speed")]
    assert set(final.speakers[final.clips == 0]) == {"elsewhere-1"}
    assert evaluation.n_examples("loso") == 5


def several_corpora(*names: str) -> tuple[Examples, list]:
    """Three speakers of each."""
    parts = [synthetic_corpus(3, corpus=name) for name in names]
    columns = {
        field: np.concatenate([getattr(part, field) for part, _ in parts])
        for field in Examples.__dataclass_fields__
    }
    columns["clips"] = np.arange(len(columns["y"]))
    return Examples(**columns), [recording for _, part in parts for recording in part]


def speech_and_song(*names: str) -> tuple[Examples, list]:
    """The corpora, and RAVDESS once more as song of the same actors."""
    examples, recordings = several_corpora(*names, "ravdess_song")
    sung = [
        replace(
            r,
            speaker=r.speaker.replace("_song", ""),
            path=Path(r.path.name.replace("-01", "-02", 1)),
        )
        if r.corpus == "ravdess_song"
        else r
        for r in recordings
    ]
    speakers = np.array([recording.speaker for recording in sung])
    return replace(examples, speakers=speakers), sung


def test_only_labels_with_enough_clips_are_judged() -> None:
    """Four neutral clips are too few; fear and the rest are not judged at all."""
    _, recordings = synthetic_corpus(n_speakers=1)
    assert judged_labels(recordings) == ("happy", "sad", "angry")
    with pytest.raises(DatasetError, match="needs ravdess and another"):
        leave_corpus_out(RECIPE, *synthetic_corpus(n_speakers=2))


def test_a_folder_of_ravdess_alone_still_works(tmp_path: Path) -> None:
    """Actor folders directly inside are enough."""
    write_small_corpus(tmp_path, (1,))
    assert recordings_in(tmp_path) == find_recordings(tmp_path)
    with pytest.raises(DatasetError):
        recordings_in(tmp_path / "nowhere")


def test_permuted_labels_score_chance() -> None:
    """Labels that mean nothing teach nothing; true ones, in the same folds, everything."""
    examples, recordings = synthetic_corpus(n_speakers=12)
    speakers = np.array([recording.speaker for recording in recordings])
    masks = [(name, speakers == name) for name in np.unique(speakers)]
    found = permutation_check(RECIPE, examples, recordings, masks)
    assert found["n_folds"] == 12
    assert found["chance_is_in_interval"]
    assert found["interval"][0] < found["uar"] < found["interval"][1] < 0.4
    (first, *_) = fit_folds(RECIPE, examples, masks, seed=0)
    tested = first.tested(examples)
    assert (first.fitted.predict_proba(tested.X).argmax(axis=1) == tested.y).mean() > 0.95


def test_permuting_keeps_clips_together_and_counts_per_speaker() -> None:
    """Each speaker has as many clips of each label as before; rows of a clip agree."""
    examples, _ = synthetic_corpus(n_speakers=3)
    doubled = examples.where(np.repeat(np.arange(len(examples)), 2))
    shuffled = permuted_labels(doubled)
    assert (shuffled.y != doubled.y).mean() > 0.5
    for speaker in np.unique(doubled.speakers):
        mine = doubled.speakers == speaker
        assert np.bincount(shuffled.y[mine]).tolist() == np.bincount(doubled.y[mine]).tolist()
    for clip in np.unique(doubled.clips):
        assert len(set(shuffled.y[doubled.clips == clip].tolist())) == 1


def test_a_subset_has_each_label_in_its_share() -> None:
    """A quarter of RAVDESS: two clips of each emotion and speaker, one of neutral."""
    _, recordings = synthetic_corpus(n_speakers=6)
    fits = [FoldFit("all", np.ones(len(recordings), dtype=bool), fitted_that_answers(0))]
    chosen = [recordings[clip] for clip in clips_under_test(fits, recordings, 4)]
    counts = Counter((recording.speaker, recording.label) for recording in chosen)
    assert set(counts.values()) == {1, 2}
    assert {key[1] for key, n in counts.items() if n == 1} == {"neutral"}
    names = {recording.path.name[9:17] for recording in chosen}
    assert names >= {"01-01-01", "02-02-02"}
    every = [clips_under_test(fits, recordings, 60) for _ in range(2)]
    assert every[0].tolist() == every[1].tolist()
    assert len({recordings[clip].label for clip in every[0]}) > 3


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> list:
    return find_recordings(write_small_corpus(tmp_path_factory.mktemp("corpus"), (1, 2)))


def constant_fold(recordings: list) -> FoldFit:
    n = len(FEATURE_NAMES)
    fitted = Fitted(Ensemble.of(linear_for(n)))
    return FoldFit("all", np.ones(len(recordings), dtype=bool), fitted)


def linear_for(n: int) -> Classifier:
    return replace(
        linear(np.zeros((1, K)), 3.0 * np.eye(K)[5]),
        impute=np.zeros(n),
        mean=np.zeros(n),
        scale=np.ones(n),
        used=np.arange(1),
        projection=np.ones((1, 1)),
    )


def test_the_onset_curve_of_a_constant_answer_is_flat(small: list, tmp_path: Path) -> None:
    """One answer for all scores 1/8 after any time; every clip's speech was found."""
    found = onset_section([constant_fold(small)], small, Hearing(Settings(), cache_dir=tmp_path))
    assert [point["seconds"] for point in found["curve"]] == list(SECONDS)
    assert {point["uar"] for point in found["curve"]} == {1 / K}
    assert {point["n"] for point in found["curve"]} == {16}
    assert found["n_without_utterance"] == 0


def gain(samples: np.ndarray, identity: str, *, factor: float) -> np.ndarray:
    return (samples * factor).astype(np.float32)


def test_silence_loses_every_utterance_and_nothing_changes_by_nothing(small: list) -> None:
    """Gain 1 leaves all labels; gain 0 leaves no utterance, so none is unchanged."""
    calls: list[None] = []
    found = robustness_section(
        [constant_fold(small)],
        small,
        [
            Corruption("same", "small", partial(gain, factor=1.0)),
            Corruption("nothing", "small", partial(gain, factor=0.0)),
            Corruption("half", "small", partial(gain, factor=0.5), partial(gain, factor=1.0)),
        ],
        Hearing(Settings(), on_progress=lambda: calls.append(None)),
        every=4,
    )
    same, nothing, half = found["items"]
    assert found["clean"]["n"] == 4
    assert (same["unchanged"], same["passes"], same["uar_lost"]) == (1.0, True, 0.0)
    assert same["n_without_utterance"] == 0
    assert (nothing["unchanged"], nothing["passes"]) == (0.0, False)
    assert nothing["n_without_utterance"] == 4
    # Not the 1/8 of calling all of them neutral.
    assert nothing["uar"] == 0.0
    assert half["unchanged"] == 1.0
    # Same, half and nothing make one group.
    group = found["groups"]["small"]
    assert group["unchanged"] == pytest.approx(2 / 3, abs=1e-4)
    assert group["uar_lost"] == pytest.approx(found["clean"]["uar"] / 3, abs=1e-4)
    # The clean sound, three ways, and no second hearing of a way that is known.
    assert len(calls) == 4 * 4


def test_the_same_answer_whatever_is_asked() -> None:
    """The model of these tests is what it says."""
    examples, _ = synthetic_corpus(1)
    assert set(fitted_that_answers(3).predict_proba(examples.X).argmax(axis=1)) == {3}
