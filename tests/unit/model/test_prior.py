"""Base rates, the judge of expression, caution: the last steps of an answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ser_live.config import Settings
from ser_live.emotions import LABELS
from ser_live.errors import ModelError, UsageError
from ser_live.model.caution import Caution, CautionRule, Familiarity
from ser_live.model.emotion_model import EmotionModel
from ser_live.model.expression import ExpressionJudge, naming_log_odds
from ser_live.model.prior import is_plain, shares_of, under

K = len(LABELS)
PLAIN = is_plain(LABELS)
answers = arrays(np.float64, (3, K), elements=st.floats(0.01, 1.0)).map(
    lambda p: p / p.sum(axis=1, keepdims=True)
)


def judge(coef: float = 1.0, naming: float = 0.5) -> ExpressionJudge:
    """Hears one input, and the namer."""
    return ExpressionJudge(
        mean=np.zeros(1),
        scale=np.ones(1),
        limit=np.array(6.0),
        coef=np.array([coef]),
        naming=np.array(naming),
        intercept=np.array(0.0),
        plain=PLAIN,
        everyday_share=np.array(0.6),
    )


def caution(slope: float = 1.0) -> Caution:
    """Two corpora, at 0 and at 10, with a variance of 4 along the first input and 1 else."""
    return Caution(
        Familiarity(
            used=np.arange(2),
            mean=np.zeros(2),
            scale=np.ones(2),
            limit=np.array(100.0),
            centres=np.array([[0.0, 0.0], [10.0, 0.0]]),
            directions=np.array([[1.0], [0.0]]),
            variances=np.array([4.0]),
            other_variance=np.array(1.0),
        ),
        CautionRule(
            intercept=np.array(0.0),
            slope=np.array(slope),
            near=np.array(1.0),
            far=np.array(4.0),
        ),
    )


def answered(caution: Caution, X: np.ndarray, p: np.ndarray) -> np.ndarray:
    """What a stranger's answer becomes."""
    distance = caution.familiarity.distance(X)
    return caution.rule.doubt(caution.rule.temper(p, distance), distance)


# -- shares


def test_everyday_gives_most_to_the_plain_labels_and_balanced_changes_nothing() -> None:
    shares = shares_of("everyday", LABELS, 0.6)
    assert shares is not None
    assert shares[PLAIN] == pytest.approx([0.3, 0.3])
    assert shares[~PLAIN] == pytest.approx(np.full(6, 0.4 / 6))
    assert shares_of("balanced", LABELS) is None


def test_shares_of_ones_own_leave_the_rest_to_the_others() -> None:
    shares = shares_of("sad=0.5, happy=0.25", LABELS)
    assert shares is not None
    assert shares.sum() == pytest.approx(1.0)
    assert shares[LABELS.index("sad")] == 0.5
    assert shares[LABELS.index("angry")] == pytest.approx(0.25 / 6)
    two = shares_of("yes=0.7,no=0.3", ("no", "yes"))
    assert two == pytest.approx([0.3, 0.7])


@pytest.mark.parametrize(
    "prior", ["", "sometimes", "sad", "sad=", "=0.5", "sad=0", "sad=1", "sad=nan", "sad=.1,sad=.2"]
)
def test_what_is_no_prior_is_refused_before_a_model_is_there(prior: str) -> None:
    with pytest.raises(UsageError, match="the prior is"):
        Settings(prior=prior)


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ("bored=0.5", "'bored'"),
        ("sad=0.6,happy=0.6", "add up to 1.2"),
        (",".join(f"{label}=0.1" for label in LABELS), "add up to 0.8, but 1 is"),
    ],
)
def test_what_no_labels_fit_is_refused(prior: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        shares_of(prior, LABELS)


def test_labels_without_plain_ones_have_no_everyday() -> None:
    assert shares_of("everyday", ("bored", "stressed")) is None
    assert shares_of("everyday", ("neutral", "calm")) is None


# -- Bayes


@given(answers)
def test_equal_shares_change_no_answer_and_any_others_are_bayes_rule(p: np.ndarray) -> None:
    assert under(p, np.full(K, 1 / K)) == pytest.approx(p)
    shares = shares_of("everyday", LABELS, 0.9)
    assert shares is not None
    answer = under(p, shares)
    assert answer.sum(axis=1) == pytest.approx(np.ones(3))
    odds, before = answer[:, 0] / answer[:, 4], p[:, 0] / p[:, 4]
    assert odds / before == pytest.approx(np.full(3, shares[0] / shares[4]))


@given(answers, st.floats(-3, 3))
def test_the_judge_says_whether_and_the_namer_what(p: np.ndarray, heard: float) -> None:
    shares = shares_of("everyday", LABELS, 0.5)
    assert shares is not None
    X = np.full((3, 1), heard)
    answer = judge().under(X, p, shares)
    log_odds = heard + 0.5 * naming_log_odds(p, PLAIN)
    assert answer[:, ~PLAIN].sum(axis=1) == pytest.approx(1 / (1 + np.exp(-log_odds)), abs=1e-6)
    assert answer[:, 3] / answer[:, 4] == pytest.approx(p[:, 3] / p[:, 4], rel=1e-6)
    assert answer[:, 0] / answer[:, 1] == pytest.approx(p[:, 0] / p[:, 1], rel=1e-6)


def test_more_plain_talk_expected_makes_more_of_it() -> None:
    p = np.full((1, K), 1 / K)
    plain = [
        judge().under(np.zeros((1, 1)), p, shares)[0, PLAIN].sum()
        for share in (0.2, 0.5, 0.9)
        if (shares := shares_of("everyday", LABELS, share)) is not None
    ]
    assert plain == pytest.approx([0.2, 0.5, 0.9], abs=0.01)


def test_an_undefined_input_says_nothing() -> None:
    p = np.full((1, K), 1 / K)
    assert judge().log_odds(np.full((1, 1), np.nan), p) == pytest.approx([0.0])


# -- caution


def test_distance_is_that_from_the_nearest_corpus_in_its_own_scatter() -> None:
    X = np.array([[4.0, 0.0], [0.0, 4.0], [12.0, 0.0], [10.0, 3.0]])
    expected = np.sqrt(np.array([16 / 4, 16 / 1, 4 / 4, 9 / 1]) / 2)
    assert caution().familiarity.distance(X) == pytest.approx(expected)


def test_what_is_far_is_said_with_less_confidence_and_the_same_label() -> None:
    p = np.array([[0.9] + [0.1 / 7] * 7] * 2)
    near, far = answered(caution(), np.array([[2.0, 0.0], [5.0, 9.0]]), p)
    assert far.max() < near.max()
    assert far.argmax() == near.argmax() == 0
    assert far.sum() == pytest.approx(1.0)


def test_nothing_unfamiliar_is_answered_at_90_percent() -> None:
    certain = np.array([[1.0] + [0.0] * 7] * 3)
    answers = caution().rule.doubt(certain, np.array([0.5, 2.0, 4.0])).max(axis=1)
    assert answers[0] == pytest.approx(1.0)
    assert answers[1] == pytest.approx(1.0 - 0.06 * 7 / 8)
    assert answers[2] == pytest.approx(0.895)


# -- files


def test_both_survive_their_file() -> None:
    again = ExpressionJudge.from_arrays(judge().arrays(), 1, K)
    assert again.plain.tolist() == PLAIN.tolist()
    assert again.everyday_share == 0.6
    X = np.array([[3.0, 1.0]])
    loaded = Caution.from_arrays(caution().arrays(), 2)
    p = np.full((1, 8), 1 / 8)
    p[0, :2] = 0.2, 0.05
    assert answered(loaded, X, p) == pytest.approx(answered(caution(), X, p))


@pytest.mark.parametrize(
    "change",
    [
        {"scale": np.zeros(1)},
        {"plain": np.zeros(K, np.int64)},
        {"everyday_share": np.array(1.0)},
        {"coef": np.zeros(2)},
        {"more": np.zeros(1)},
    ],
)
def test_a_judge_that_cannot_be_is_refused(change: dict[str, np.ndarray]) -> None:
    with pytest.raises(ModelError):
        ExpressionJudge.from_arrays({**judge().arrays(), **change}, 1, K)


@pytest.mark.parametrize(
    "change",
    [
        {"used": np.array([0, 7])},
        {"used": np.array([-1, 0])},
        {"variances": np.array([0.0])},
        {"directions": np.zeros((2, 3))},
        {"centres": np.zeros((0, 2))},
        {"limit": np.array(-1.0)},
        {"near": np.array(0.0)},
        {"far": np.array(1.0)},
    ],
)
def test_a_caution_that_cannot_be_is_refused(change: dict[str, np.ndarray]) -> None:
    with pytest.raises(ModelError):
        Caution.from_arrays({**caution().arrays(), **change}, 2)


# -- a model


def test_a_model_of_other_labels_keeps_the_base_rates_of_its_recordings() -> None:
    model = EmotionModel.load("classic")
    assert model.shares("everyday") is not None
    other = EmotionModel(replace(model.card, labels=("neutral", *"abcdefg")), model.fitted)
    assert other.shares("everyday") is None
    assert other.shares("a=0.5") is not None
