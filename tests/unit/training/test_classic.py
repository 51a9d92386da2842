"""The classic recipe on made-up features."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import ShrunkCovariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.kernel_ridge import KernelRidge

from ser_live.emotions import LABELS
from ser_live.errors import DatasetError
from ser_live.features import FEATURE_NAMES, LEVEL_DEPENDENT
from ser_live.model.classifier import softmax
from ser_live.training import classic
from ser_live.training.augmentation import PLAIN
from ser_live.training.examples import Examples
from ser_live.training.heads import best_temperature

N, K = len(FEATURE_NAMES), len(LABELS)


def made_up(n_speakers: int = 6, per_label: int = 3, seed: int = 0) -> Examples:
    """Labels shift some features; each whole utterance has two beginnings and a noisy copy."""
    rng = np.random.default_rng(seed)
    direction = rng.standard_normal((K, N)) * (rng.random(N) < 0.1)
    X, y, speakers, clips, variants, is_final = [], [], [], [], [], []
    clip = 0
    for speaker in range(n_speakers):
        voice = 0.5 * rng.standard_normal(N)
        for label in range(K):
            for _ in range(per_label):
                core = direction[label] + voice + rng.standard_normal(N)
                for variant, final in (
                    (PLAIN, False),
                    (PLAIN, False),
                    (PLAIN, True),
                    ("noisy", True),
                ):
                    values = core + 0.3 * rng.standard_normal(N)
                    values[rng.random(N) < 0.01] = np.nan
                    X.append(values)
                    y.append(label)
                    speakers.append(f"s{speaker}")
                    clips.append(clip)
                    variants.append(variant)
                    is_final.append(final)
                clip += 1
    return Examples(
        X=np.array(X),
        y=np.array(y),
        speakers=np.array(speakers),
        clips=np.array(clips),
        variants=np.array(variants),
        is_final=np.array(is_final),
        speech_s=np.ones(len(y)),
        corpora=np.full(len(y), "ravdess"),
        intensity=np.full(len(y), "normal"),
    )


@pytest.fixture(scope="module")
def examples() -> Examples:
    return made_up()


def test_it_learns_and_repeats_itself(examples: Examples) -> None:
    """Speakers it never saw are recognised far above chance; the same data give the same bits."""
    is_test = examples.speakers == "s0"
    train = examples.where(~is_test)
    test = examples.where(is_test & examples.is_final)
    classifier = classic.fit(train)
    probabilities = classifier.predict_proba(test.X)
    assert np.mean(probabilities.argmax(axis=1) == test.y) > 0.6
    assert np.array_equal(probabilities, classic.fit(train).predict_proba(test.X))


def test_the_heads_are_those_of_scikit_learn(
    examples: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On whole, unchanged utterances alone both heads are scikit-learn's, up to temperature."""
    plain = examples.where(examples.is_final & (examples.variants == PLAIN))
    monkeypatch.setattr(classic, "WIDTHS", (0.3,))
    monkeypatch.setattr(classic, "RIDGES", (0.1,))
    monkeypatch.setattr(classic, "SHRINKAGES", (0.2,))
    classifier = classic.fit(plain)
    # Weights are all 1 here: every label has the same number of clips.
    assert classic.row_weights(plain) == pytest.approx(1.0)
    z = classifier.standardize(plain.X)
    ridge = KernelRidge(alpha=0.1, kernel="rbf", gamma=0.3 / len(classifier.used))
    expected = ridge.fit(z, np.eye(K)[plain.y] - 1.0 / K).predict(z)
    assert _correlation(classifier.heads[0].scores(z), expected) == pytest.approx(1.0, abs=1e-5)
    discriminant = LinearDiscriminantAnalysis(
        solver="lsqr",
        priors=np.full(K, 1 / K),
        covariance_estimator=ShrunkCovariance(shrinkage=0.2, assume_centered=False),
    ).fit(z, plain.y)
    expected = z @ discriminant.coef_.T + discriminant.intercept_
    assert _correlation(classifier.heads[1].scores(z), expected) == pytest.approx(1.0, abs=1e-5)


def _correlation(found: np.ndarray, expected: np.ndarray) -> float:
    """Correlation of two tables of scores, each about the mean of its row."""
    found = found - found.mean(axis=1, keepdims=True)
    expected = expected - expected.mean(axis=1, keepdims=True)
    return float(np.corrcoef(found.ravel(), expected.ravel())[0, 1])


def test_level_features_and_constant_ones_are_not_used(examples: Examples) -> None:
    """What moves with the gain, and what never moves, is left out."""
    X = examples.X.copy()
    constant = next(i for i, name in enumerate(FEATURE_NAMES) if name not in LEVEL_DEPENDENT)
    X[:, constant] = 7.0
    never = constant + 1
    X[:, never] = np.nan
    classifier = classic.fit(Examples(**{**vars(examples), "X": X}))
    names = {FEATURE_NAMES[i] for i in classifier.used}
    assert not names & LEVEL_DEPENDENT
    assert constant not in classifier.used
    assert never not in classifier.used


def test_row_weights_balance_labels_beginnings_and_variants(examples: Examples) -> None:
    """Labels weigh the same; beginnings and copies weigh what the constants say."""
    keep = (examples.y != 0) | (np.arange(len(examples)) % 8 < 4)
    uneven = examples.where(keep)
    weights = classic.row_weights(uneven)
    per_label = np.bincount(uneven.y, weights=weights)
    assert per_label == pytest.approx(per_label[0])
    first = weights[uneven.clips == uneven.clips[-1]]
    assert first[0] + first[1] == pytest.approx(classic.PARTIAL_WEIGHT * first[2])
    assert first[3] == pytest.approx(classic.VARIANT_WEIGHT * first[2])


def test_inner_folds_keep_speakers_together() -> None:
    """No speaker is in two folds; folds differ by at most one speaker."""
    speakers = np.repeat([f"s{n}" for n in range(23)], 5)
    folds = classic.speaker_folds(speakers, 5, seed=1)
    sizes = [len(np.unique(speakers[folds == fold])) for fold in range(5)]
    assert sum(sizes) == 23
    assert max(sizes) - min(sizes) <= 1


def test_the_best_temperature_undoes_a_wrong_scale() -> None:
    """Scores of honest log-probabilities times 0.2 want the temperature 0.2."""
    rng = np.random.default_rng(0)
    scores = 2.0 * rng.standard_normal((20_000, K))
    cumulative = softmax(scores).cumsum(axis=1)
    y = (cumulative > rng.random((len(scores), 1))).argmax(axis=1)
    temperature, loss = best_temperature(0.2 * scores, y, np.ones(len(y)))
    assert temperature == pytest.approx(0.2, rel=0.06)
    assert loss == pytest.approx(-np.mean(np.log(softmax(scores)[np.arange(len(y)), y])), rel=0.01)


def test_what_cannot_be_learned_from_is_refused(examples: Examples) -> None:
    """One speaker, or a label nobody spoke, is an error that says so."""
    with pytest.raises(DatasetError, match="1 speakers"):
        classic.fit(examples.where(examples.speakers == "s0"))
    with pytest.raises(DatasetError, match="labelled disgust"):
        classic.fit(examples.where(examples.y != LABELS.index("disgust")))
