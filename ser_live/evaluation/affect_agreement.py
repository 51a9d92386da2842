"""Agreement of valence and arousal with what actors were asked for.

There is no rating to compare with: corpora of acted emotions record what the actor was
asked for. What can be checked is order, on speakers whose features are in no reference:

- ``arousal_rank``: angry, fearful, happy, surprised above neutral, calm, sad (AUC).
- ``arousal_rank_within``: the same, comparing utterances of one speaker only.
- ``intensity``: strong above normal intensity, within one speaker and emotion: the share
  of such pairs that are ordered right. Nothing in the emotions' places helps here.
- ``valence_rank``, ``valence_rank_within``: happy above angry, fearful, sad, disgust.

Intervals come from drawing speakers with replacement. Nothing is fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ser_live.arrays import Bool, Float64, Int64, Str
from ser_live.emotions import EMOTIONS, LABELS, Emotion
from ser_live.evaluation.folds import FoldFit
from ser_live.model.inputs import N_HAND_MADE
from ser_live.model.speaker_shift import ShiftRule, SpeakerShift
from ser_live.speaker.affect import ACOUSTIC_WEIGHT, AffectScale, neutral_mean, neutral_of
from ser_live.speaker.baseline import MIN_PAST_UTTERANCES
from ser_live.training.examples import Examples

HIGH_AROUSAL = (Emotion.ANGRY, Emotion.FEARFUL, Emotion.HAPPY, Emotion.SURPRISED)
LOW_AROUSAL = (Emotion.NEUTRAL, Emotion.CALM, Emotion.SAD)
POSITIVE = (Emotion.HAPPY,)
NEGATIVE = (Emotion.ANGRY, Emotion.FEARFUL, Emotion.SAD, Emotion.DISGUST)

KNOWLEDGE = ("stranger", "running", "enrolled")
"""Knowledge of a speaker: nothing; the utterances before, in random order; all
the neutral utterances but the judged one."""

N_DRAWS = 2000


@dataclass(frozen=True, eq=False)
class Judged:
    """Labelled utterances with their valence and arousal; one entry an utterance."""

    y: Int64
    """Index into ``EMOTIONS``."""
    speakers: Str
    intensity: Str
    """``normal``, ``strong`` or empty."""
    valence: Float64
    arousal: Float64
    acoustic: Float64
    """Arousal by the features alone; NaN where undefined."""


def judge_examples(
    X: Float64,
    y: Int64,
    speakers: Str,
    intensity: Str,
    probabilities: Float64,
    *,
    knowledge: str = "stranger",
    seed: int = 0,
) -> Judged:
    """Valence and arousal of examples, each speaker against the others.

    Parameters
    ----------
    X : float64 array, shape (n, n_inputs)
        Input vectors, hand-made features first.
    y, speakers, intensity : shape (n,)
    probabilities : float64 array, shape (n, 8)
        Of a model that saw none of the speakers.
    knowledge : str
        One of `KNOWLEDGE`.
    seed : int
        Of the order of a speaker's utterances.
    """
    if knowledge not in KNOWLEDGE:
        raise ValueError(f"unknown knowledge {knowledge!r}: give one of {', '.join(KNOWLEDGE)}")
    said = np.full((len(y), 3), np.nan)
    rng = np.random.default_rng(seed)
    for speaker in np.unique(speakers):
        own = np.flatnonzero(speakers == speaker)
        others = speakers != speaker
        rule = _rule(X[others], y[others])
        spread = np.sqrt(_mean((X[others] - rule.mean) ** 2))
        scale = AffectScale(neutral_mean(rule), spread)
        heard = SpeakerShift(rule)
        for row in rng.permutation(own):
            usual: Float64 | None = None
            if knowledge == "enrolled":
                heard = SpeakerShift(rule)
                for past in own[(y[own] == EMOTIONS.index(Emotion.NEUTRAL)) & (own != row)]:
                    heard.update(X[past], probabilities[past])
            if knowledge != "stranger" and heard.weight >= MIN_PAST_UTTERANCES:
                usual = neutral_of(heard)
            affect = scale.judge(probabilities[row], X[row], usual)
            said[row] = affect.valence, affect.arousal, scale.acoustic_arousal(X[row], usual)
            if knowledge == "running":
                heard.update(X[row], probabilities[row])
    return Judged(y, speakers, intensity, *said.T)


def measure(judged: Judged, *, n_draws: int = N_DRAWS, seed: int = 0) -> dict[str, Any]:
    """All measures as ``{name: {"value", "interval": [low, high]}}``; NaN where undefined.

    Arousal is measured three times: as given, and its two halves alone
    (``category_``: from the probabilities, ``acoustic_``: from the features).
    """
    category = (judged.arousal - ACOUSTIC_WEIGHT * judged.acoustic) / (1.0 - ACOUSTIC_WEIGHT)
    category = np.where(np.isfinite(judged.acoustic), category, judged.arousal)
    high, low = _is(judged.y, HIGH_AROUSAL), _is(judged.y, LOW_AROUSAL)
    found: dict[str, Any] = {}
    for name, values in (
        ("", judged.arousal),
        ("category_", category),
        ("acoustic_", judged.acoustic),
    ):
        pairs = _pairs(values, judged.speakers, high, low)
        found[f"{name}arousal_rank"] = _across(pairs, n_draws, seed)
        found[f"{name}arousal_rank_within"] = _within(pairs, n_draws, seed)
        found[f"{name}intensity"] = _within(_intensity(judged, values), n_draws, seed)
    pairs = _pairs(
        judged.valence, judged.speakers, _is(judged.y, POSITIVE), _is(judged.y, NEGATIVE)
    )
    found["valence_rank"] = _across(pairs, n_draws, seed)
    found["valence_rank_within"] = _within(pairs, n_draws, seed)
    return found


def affect_section(fits: Sequence[FoldFit], examples: Examples) -> dict[str, Any]:
    """`measure` for each of `KNOWLEDGE`, from answers to speakers left out, ready for JSON."""
    tested = [fit.tested(examples) for fit in fits]
    answers = np.concatenate(
        [fit.fitted.predict_proba(own.X) for fit, own in zip(fits, tested, strict=True)]
    )
    X = np.concatenate([own.X[:, :N_HAND_MADE] for own in tested]).astype(np.float64)
    y, speakers, intensity = (
        np.concatenate([getattr(own, name) for own in tested])
        for name in ("y", "speakers", "intensity")
    )
    section: dict[str, Any] = {}
    for knowledge in KNOWLEDGE:
        judged = judge_examples(X, y, speakers, intensity, answers, knowledge=knowledge)
        section[knowledge] = {
            name: found if np.isfinite(found["value"]) else {"value": None, "interval": None}
            for name, found in measure(judged).items()
        }
    return section


Pairs = tuple[Float64, Float64]
"""Pairs ordered right and all pairs, each shape (n_speakers, n_speakers)."""


def _rule(X: Float64, y: Int64) -> ShiftRule:
    """The shift of the training speakers, emotion taken out in full.

    Of an emotion that they never express nothing is taken out.
    """
    mean = _mean(X)
    own = [_mean(X[y == k]) for k in range(len(LABELS))]
    return ShiftRule(
        mean=mean,
        label_means=np.stack([np.where(np.isnan(m), mean, m) for m in own]),
        correction=np.array(1.0),
        kappa=np.array(1.0),
        half_weight=np.array(1.0),
    )


def _mean(X: Float64) -> Float64:
    """Mean of each column without its NaN; NaN where there is nothing."""
    n = np.isfinite(X).sum(axis=0)
    mean: Float64 = np.divide(np.nansum(X, axis=0), n, out=np.full(X.shape[1], np.nan), where=n > 0)
    return mean


def _is(y: Int64, emotions: tuple[Emotion, ...]) -> Bool:
    return np.isin(y, [EMOTIONS.index(emotion) for emotion in emotions])


def _pairs(
    values: Float64,
    speakers: Str,
    high: Bool,
    low: Bool,
) -> Pairs:
    """Every `high` utterance against every `low` one, counted per pair of speakers."""
    names = np.unique(speakers)
    right, total = np.zeros((2, len(names), len(names)))
    for i, one in enumerate(names):
        above = values[high & (speakers == one) & np.isfinite(values)]
        for j, other in enumerate(names):
            below = values[low & (speakers == other) & np.isfinite(values)]
            right[i, j] = _n_right(above, below)
            total[i, j] = len(above) * len(below)
    return right, total


def _intensity(judged: Judged, values: Float64) -> Pairs:
    """Strong against normal utterances of the same speaker and emotion."""
    names = np.unique(judged.speakers)
    right, total = np.zeros((2, len(names), len(names)))
    for i, speaker in enumerate(names):
        for label in range(len(LABELS)):
            rows = (judged.speakers == speaker) & (judged.y == label) & np.isfinite(values)
            strong = values[rows & (judged.intensity == "strong")]
            normal = values[rows & (judged.intensity == "normal")]
            right[i, i] += _n_right(strong, normal)
            total[i, i] += len(strong) * len(normal)
    return right, total


def _n_right(above: Float64, below: Float64) -> float:
    """Pairs in which the first is larger; a tie counts half."""
    difference = above[:, None] - below[None, :]
    return float((difference > 0).sum() + 0.5 * (difference == 0).sum())


def _across(pairs: Pairs, n_draws: int, seed: int) -> dict[str, Any]:
    """Share of all pairs ordered right; a pair counts as often as both its speakers."""
    right, total = pairs
    weights = _draws(len(right), n_draws, seed)
    drawn = [np.einsum("di,ij,dj->d", weights, counts, weights) for counts in (right, total)]
    return _summary(right.sum(), total.sum(), drawn[0], drawn[1])


def _within(pairs: Pairs, n_draws: int, seed: int) -> dict[str, Any]:
    """Share of the pairs within a speaker ordered right."""
    right, total = np.diag(pairs[0]), np.diag(pairs[1])
    weights = _draws(len(right), n_draws, seed)
    return _summary(right.sum(), total.sum(), weights @ right, weights @ total)


def _draws(n: int, n_draws: int, seed: int) -> Float64:
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1.0 / n), size=n_draws).astype(np.float64)


def _summary(right: float, total: float, drawn: Float64, of: Float64) -> dict[str, Any]:
    shares = drawn[of > 0] / of[of > 0]
    if not total or not len(shares):
        return {"value": float("nan"), "interval": [float("nan"), float("nan")]}
    interval = [float(q) for q in np.quantile(shares, [0.025, 0.975])]
    return {"value": float(right / total), "interval": interval}
