"""Caution and the judge of expression, from corpora left out."""

from __future__ import annotations

import numpy as np
import pytest

from ser_live.emotions import LABELS
from ser_live.model.encoder import STATE_WIDTH
from ser_live.model.inputs import N_HAND_MADE, InputLayout
from ser_live.training.examples import Examples
from ser_live.training.familiarity import distances_unheard, fit_familiarity
from ser_live.training.unfamiliar import (
    PLAIN_SHARES,
    averaged_states,
    expression_weights,
    fit_unfamiliar,
    plain_of_named,
)

K = len(LABELS)
LAYOUT = InputLayout(N_HAND_MADE, 40)
N = LAYOUT.n_inputs
_RNG = np.random.default_rng(0)
EMOTIONS = _RNG.standard_normal((K, N))
EXPRESSED = _RNG.standard_normal(N)
"""How it shows that anything is expressed, the same everywhere."""


def make(
    corpus: str, speakers: int, labels: tuple[int, ...], seed: int, n_each: int = 6
) -> Examples:
    """Whole utterances; each corpus has a microphone of its own."""
    rng = np.random.default_rng(seed)
    microphone = 2.0 * rng.standard_normal(N)
    columns: dict[str, list] = {name: [] for name in Examples.__dataclass_fields__}
    for speaker in range(speakers):
        for label in labels:
            for take in range(6):
                x = microphone + 0.4 * EMOTIONS[label] + (label > 1) * 0.4 * EXPRESSED
                columns["X"].append(x + rng.standard_normal(N))
                columns["y"].append(label)
                columns["speakers"].append(f"{corpus}-{speaker}")
                columns["clips"].append(10_000 * seed + 100 * speaker + 10 * label + take)
                columns["variants"].append("plain" if take % 2 else "strong")
                columns["is_final"].append(True)
                columns["speech_s"].append(1.0)
                columns["corpora"].append(corpus)
                columns["intensity"].append("")
    arrays = {name: np.array(values) for name, values in columns.items()}
    return Examples(**{**arrays, "X": arrays["X"].astype(np.float32)})


def join(*parts: Examples) -> Examples:
    return Examples(
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in Examples.__dataclass_fields__
        }
    )


EVERYTHING = tuple(range(K))
HOME = make("ravdess", 8, EVERYTHING, 1)
OTHERS = [make("alpha", 6, (0, 2, 3, 4), 2), make("beta", 6, (0, 2, 3, 5), 3)]
EVERYDAY = [make(f"everyday/{name}", 8, (0,), 10 + i) for i, name in enumerate("abcd")]


@pytest.fixture(scope="module")
def fitted() -> tuple:
    return fit_unfamiliar(join(HOME, *OTHERS, *EVERYDAY), "ravdess", 0.35)


def test_a_corpus_never_heard_is_farther_and_answered_with_more_caution(fitted: tuple) -> None:
    caution, _ = fitted
    far = make("gamma", 4, EVERYTHING, 7)
    home = make("ravdess", 4, EVERYTHING, 1)
    distances = [caution.familiarity.distance(rows.X) for rows in (far, home)]
    assert distances[0].mean() > 1.2 * distances[1].mean()
    temperatures = [caution.rule.temperature(distance).mean() for distance in distances]
    assert temperatures[0] > temperatures[1]


def test_voices_are_judged_by_corpora_without_them() -> None:
    """Leaving a row out of its own corpus never brings it nearer."""
    X = np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32)
    corpora = np.repeat(["a", "b"], 20)
    folds = np.arange(40) % 4
    unheard = distances_unheard(X, corpora, folds)
    with_all = fit_familiarity(X, corpora, np.arange(6)).distance(X)
    assert unheard.shape == (40,)
    assert unheard.mean() > with_all.mean()
    out = folds == 2
    without = fit_familiarity(X[~out], corpora[~out], np.arange(6)).distance(X[out])
    assert np.array_equal(unheard[out], without)


def test_the_judge_hears_expression_through_microphones_it_never_met(fitted: tuple) -> None:
    _, judge = fitted
    new = join(make("gamma", 6, (0, 2, 4, 5), 8), make("everyday/new", 6, (0,), 9))
    odds = judge.log_odds(new.X.astype(np.float64), np.full((len(new), K), 1 / K))
    expressed = new.y > 1
    ranks = np.argsort(np.argsort(odds))
    n = expressed.sum()
    auc = (ranks[expressed].sum() - n * (n - 1) / 2) / (n * (len(new) - n))
    assert auc > 0.8
    assert float(judge.everyday_share) in PLAIN_SHARES


def test_without_others_or_everyday_speech_there_is_nothing_to_learn() -> None:
    assert fit_unfamiliar(HOME, "ravdess", 0.35) == (None, None)
    assert fit_unfamiliar(join(HOME, OTHERS[0], *EVERYDAY), "ravdess", 0.35) == (None, None)
    caution, judge = fit_unfamiliar(join(HOME, *OTHERS), "ravdess", 0.35)
    assert caution is not None
    assert judge is None


def test_a_fit_repeats() -> None:
    rows = join(HOME, *OTHERS, *EVERYDAY)
    for one, two in zip(
        fit_unfamiliar(rows, "ravdess", 0.35, 1),
        fit_unfamiliar(rows, "ravdess", 0.35, 1),
        strict=True,
    ):
        for name, array in one.arrays().items():
            assert np.array_equal(array, two.arrays()[name])


def test_both_sides_of_every_corpus_weigh_the_same() -> None:
    corpora = np.array(["a"] * 5 + ["b"] * 3 + ["everyday/x"] * 4 + ["everyday/y"])
    expressed = np.array([1, 1, 1, 1, 0, 1, 0, 0] + [0] * 5, bool)
    everyday = np.char.startswith(corpora, "everyday")
    weights = expression_weights(corpora, expressed, everyday, 0.1)
    for corpus in ("a", "b"):
        for side in (expressed, ~expressed):
            assert weights[(corpora == corpus) & side].sum() == pytest.approx(1.0)
    assert weights[everyday].sum() == pytest.approx(0.1 * 4)
    assert weights[corpora == "everyday/x"].sum() == pytest.approx(weights[-1])


def test_averages_are_found_among_the_states() -> None:
    layout = InputLayout(N_HAND_MADE, 3 * 2 * STATE_WIDTH)
    start = layout.embedding.start
    assert averaged_states(layout).tolist() == [
        *range(start, start + 512),
        *range(start + 1024, start + 1536),
        *range(start + 2048, start + 2560),
    ]


def test_all_states_of_an_encoder_of_another_width_count_as_averages() -> None:
    assert averaged_states(LAYOUT).tolist() == list(
        range(LAYOUT.embedding.start, LAYOUT.embedding.stop)
    )


def test_the_share_of_plain_counts_every_source_alike_and_named_answers_alone() -> None:
    answers = np.full((5, K), 0.05)
    for row, label in enumerate((0, 2, 1, 4, 3)):
        answers[row, label] = 0.65
    answers[4] = 1 / K  # unsure
    sources = np.array(["a", "a", "b", "b", "b"])
    assert plain_of_named(answers, sources, 0.35) == pytest.approx((0.5 + 0.5) / 2)
