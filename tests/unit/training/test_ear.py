"""The recipe of the learned ear, on synthetic speakers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ser_live.emotions import EMOTIONS, LABELS, Emotion
from ser_live.errors import DatasetError
from ser_live.model.fitted import Fitted
from ser_live.model.inputs import N_HAND_MADE, InputLayout
from ser_live.model.speaker_shift import SpeakerShift
from ser_live.model.strangers import Strangers
from ser_live.training import ear
from ser_live.training.ear_members import targets_of
from ser_live.training.examples import Examples
from ser_live.training.histories import offsets, residuals
from ser_live.training.recipe import find_recipe

K = len(LABELS)
ANGRY, NEUTRAL, SAD = (
    EMOTIONS.index(emotion) for emotion in (Emotion.ANGRY, Emotion.NEUTRAL, Emotion.SAD)
)
LAYOUT = InputLayout(N_HAND_MADE, 2048)
N_INPUTS = LAYOUT.n_inputs
SIGNS = np.random.default_rng(0).standard_normal((K, N_INPUTS))
"""How each emotion shows, the same in everybody."""


SIGN, VOICE = 0.15, 0.06
"""Sizes beside noise of 1 in each of 4587 inputs: voices differ more than emotions do."""


def voice(speaker: int) -> np.ndarray:
    """How a speaker differs from others, in what emotions show in, so that it misleads."""
    return np.random.default_rng([1, speaker]).standard_normal(K) @ SIGNS


def make(
    speakers: list[int], corpus: str = "ravdess", labels: tuple[int, ...] = tuple(range(K))
) -> Examples:
    """Four utterances per speaker and label; of each a copy and a beginning."""
    columns: dict[str, list] = {name: [] for name in Examples.__dataclass_fields__}
    clip = 1000 * len(corpus)
    for speaker in speakers:
        rng = np.random.default_rng([2, speaker])
        for label in labels:
            for take in range(4):
                clip += 1
                x = SIGN * SIGNS[label] + VOICE * voice(speaker)
                for variant, is_final in (("plain", True), ("plain", False), ("mild", True)):
                    columns["X"].append(x + rng.standard_normal(N_INPUTS))
                    columns["y"].append(label)
                    columns["speakers"].append(f"{corpus}-{speaker}")
                    columns["clips"].append(clip)
                    columns["variants"].append(variant)
                    columns["is_final"].append(is_final)
                    columns["speech_s"].append(2.0 if is_final else 1.0)
                    columns["corpora"].append(corpus)
                    strong = take % 2 and label != NEUTRAL
                    intensity = "strong" if strong else "normal"
                    columns["intensity"].append(intensity if corpus == "ravdess" else "")
    arrays = {name: np.array(values) for name, values in columns.items()}
    return Examples(**{**arrays, "X": arrays["X"].astype(np.float32)})


def join(*parts: Examples) -> Examples:
    return Examples(
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in Examples.__dataclass_fields__
        }
    )


@pytest.fixture(scope="module")
def examples() -> Examples:
    other = make([20, 21], "other", (ANGRY, SAD))
    other.X[:3, -1] = np.nan  # a level that is not defined
    return join(make(list(range(6))), other)


@pytest.fixture(scope="module")
def fitted(examples: Examples) -> Fitted:
    return ear.fit(examples, seed=0)


def right(fitted: Fitted, tested: Examples, speaker: SpeakerShift | None = None) -> float:
    return float(np.mean(fitted.predict_proba(tested.X, speaker).argmax(axis=1) == tested.y))


def test_it_hears_strangers_and_hears_them_better_once_it_knows_them(fitted: Fitted) -> None:
    """Voices hide emotions here; the past of a speaker uncovers them."""
    cold, warm = [], []
    for number in (10, 11, 12):
        tested = make([number])
        tested = tested.where(tested.is_final & (tested.variants == "plain"))
        first, second = (np.arange(len(tested)) % 2 == half for half in (0, 1))
        speaker = SpeakerShift(fitted.shift)
        for x in tested.X[first]:
            speaker.update(x, fitted.predict_proba(x[None], speaker)[0])
        cold.append(right(fitted, tested.where(second)))
        warm.append(right(fitted, tested.where(second), speaker))
    assert np.mean(cold) > 0.3  # chance is 0.125
    assert np.mean(warm) > np.mean(cold) + 0.1


def test_a_fit_repeats_and_survives_its_file(fitted: Fitted, examples: Examples) -> None:
    """The same examples and seed give the same numbers; arrays carry everything."""
    again = ear.fit(examples, seed=0)
    X = examples.X[:5]
    assert np.array_equal(again.predict_proba(X), fitted.predict_proba(X))
    loaded = Fitted.from_arrays(fitted.arrays(), LAYOUT, K)
    assert loaded.predict_proba(X) == pytest.approx(fitted.predict_proba(X), abs=1e-6)


def test_strangers_and_known_voices_are_judged_by_the_same_members(fitted: Fitted) -> None:
    """Only the temperature differs, and the adapted judgement needs no support."""
    assert fitted.warm is not None
    assert fitted.shift is not None
    assert isinstance(fitted.cold, Strangers)
    assert fitted.cold.ensemble is fitted.warm
    assert fitted.shift.half_weight == 0.0
    assert 0.05 < fitted.cold.temperature < 5.0


def test_gain_changes_nothing(fitted: Fitted, examples: Examples) -> None:
    """The level tells microphones apart; no member sees it."""
    louder = examples.X[:10].copy()
    louder[:, -1] += 20.0
    assert np.array_equal(fitted.predict_proba(louder), fitted.predict_proba(examples.X[:10]))


def test_an_undefined_input_is_answered(fitted: Fitted) -> None:
    """Nothing defined: a guess, not NaN."""
    probabilities = fitted.predict_proba(np.full((1, N_INPUTS), np.nan))
    assert probabilities.sum() == pytest.approx(1.0)


def test_targets_leave_open_what_a_corpus_does_not_say(examples: Examples) -> None:
    """RAVDESS names label and intensity; the other corpus two labels and no intensity."""
    targets = targets_of(examples)
    main = examples.corpora == "ravdess"
    assert (targets.right.sum(axis=1) == np.where(main, 1, 2)).all()
    assert (targets.right <= targets.allowed).all()
    assert targets.allowed[main].all()
    assert set(np.flatnonzero(targets.allowed[~main][0])) == {ANGRY, SAD, ANGRY + K, SAD + K}
    strong_sad = main & (examples.y == SAD) & (examples.intensity == "strong")
    assert targets.right[strong_sad, SAD + K].all()
    assert not targets.right[:, NEUTRAL + K].any()


def test_an_intensity_nobody_knows_is_left_open() -> None:
    """Some corpora name a weak one: every row has a right output all the same."""
    weak = make([1], labels=(SAD,))
    weak.intensity[:] = "weak"
    assert targets_of(weak).right[:, [SAD, SAD + K]].all()


def test_weights_balance_labels_and_hold_back_copies_and_other_corpora() -> None:
    """In RAVDESS every label has the same sum, however few clips it has."""
    some = join(make([1, 2]), make([20], "other", (ANGRY,)))
    fewer = some.where(~((some.y == NEUTRAL) & (some.clips % 2 == 0)))
    weights = ear.row_weights(fewer)
    main = fewer.corpora == "ravdess"
    sums = np.bincount(fewer.y[main], weights=weights[main])
    assert sums == pytest.approx(np.full(K, sums[0]))
    other = weights[~main]
    assert other[:3] / other[0] == pytest.approx([1.0, 0.3, 0.5])
    assert other.sum() == pytest.approx(ear.OTHER_CORPORA_WEIGHT * weights[main].sum())


def test_every_other_corpus_weighs_the_same_and_all_of_them_no_more_than_ravdess() -> None:
    some = join(make([1, 2]), make([20], "small", (ANGRY,)), make([30, 31, 32], "large"))
    weights = ear.row_weights(some)
    sums = {corpus: weights[some.corpora == corpus].sum() for corpus in np.unique(some.corpora)}
    assert sums["small"] == pytest.approx(sums["large"])
    total = ear.OTHER_CORPORA_WEIGHT * sums["ravdess"]
    assert sums["small"] + sums["large"] == pytest.approx(total)
    assert total <= sums["ravdess"]


# -- histories -----------------------------------------------------------------------------


def test_a_past_never_holds_the_clip_itself_nor_another_speaker() -> None:
    """Residuals are one-hot by clip, so that a shift shows what it was made of."""
    clips = np.arange(12)
    speakers = np.array(["a"] * 6 + ["b"] * 5 + ["c"])
    labels = clips % K
    rng = np.random.default_rng(0)
    found = [
        offsets(
            (clips, speakers),
            (clips, speakers),
            labels,
            np.eye(12, dtype=np.float32),
            kappa=3.0,
            rng=rng,
        )
        for _ in range(50)
    ]
    used = np.sum(found, axis=0) > 0
    same = speakers[:, None] == speakers[None, :]
    assert np.array_equal(used, same & ~np.eye(12, dtype=bool))
    assert max(f.sum(axis=1).max() for f in found) < 1.0  # n / (n + kappa)
    assert any((f[:11].sum(axis=1) == 0.0).any() for f in found)  # some without any past


def test_the_shift_of_a_past_is_the_one_a_live_speaker_would_get(fitted: Fitted) -> None:
    """Sum of residuals over n + kappa equals ``SpeakerShift.offset``."""
    rule = replace(fitted.shift, correction=np.array(0.7))
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4, N_INPUTS)).astype(np.float32)
    X[0, 5] = np.nan
    probabilities = rng.dirichlet(np.ones(K), 4)
    speaker = SpeakerShift(rule)
    for x, p in zip(X, probabilities, strict=True):
        speaker.update(x, p)
    expected = residuals(X, probabilities, rule).sum(axis=0) / (4 + float(rule.kappa))
    assert speaker.offset == pytest.approx(expected, abs=1e-4)


# -- what it refuses -------------------------------------------------------------------------


def test_it_is_a_recipe_that_needs_the_encoder() -> None:
    recipe = find_recipe("ear")
    assert recipe.needs_encoder
    assert recipe.corpora[0] == "ravdess"


def test_too_little_to_learn_from_is_refused() -> None:
    """One speaker of RAVDESS, or a label without clips."""
    with pytest.raises(DatasetError, match="utterances of 1 speakers"):
        ear.fit(join(make([1]), make([20, 21], "other", (ANGRY,))))
    with pytest.raises(DatasetError, match="no utterance labelled neutral"):
        ear.fit(make([1, 2], labels=tuple(range(1, K))))
