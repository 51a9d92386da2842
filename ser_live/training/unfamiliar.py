"""Lessons that only corpora left out can teach: caution, and whether anything is expressed.

Voices of a corpus that was trained on are no strangers: microphone, language and sentences are
known. So each other corpus in turn, some sources of everyday speech and some speakers of the main
corpus are left out together, and judged by classifiers that heard none of them. On these answers
are fitted:

1. the temperature by distance (``model.caution``), relative to that of the main corpus's own
   speakers;
2. the weights in the judge of expression (``model.expression``): of two linear discriminants, on
   the encoder's averaged states and on hand-made features, and of the namer's own opinion;
3. the share of plain talk that ``everyday`` stands for.

The discriminants tell acted emotions from the same actors' plain voices, every corpus the same on
both sides, and everyday speech adds to the plain side. How plain voices differ from source to
source counts as noise, many times over: a microphone must not tell what is expressed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg, optimize

from ser_live.arrays import Bool, Float32, Float64, Int64, Str
from ser_live.datasets.everyday import CORPUS_PREFIX
from ser_live.emotions import LABELS
from ser_live.model.caution import LOG_TEMPERATURES, Caution
from ser_live.model.classifier import fold, softmax
from ser_live.model.ensemble import MIN_PROBABILITY
from ser_live.model.expression import ExpressionJudge, naming_log_odds
from ser_live.model.inputs import InputLayout
from ser_live.model.prior import is_plain
from ser_live.training.augmentation import PLAIN, STRONG
from ser_live.training.classic import speaker_folds
from ser_live.training.ear_members import LIMIT, PENALTY, targets_of
from ser_live.training.examples import Examples
from ser_live.training.familiarity import SHRINKAGE, Scaling, equal_mass, fit_familiarity
from ser_live.training.heads import Moments, best_temperature
from ser_live.training.masked_regression import fit_masked

VARIANTS = (PLAIN, STRONG)
EVERYDAY_WEIGHT = 0.05
"""Weight of all everyday speech together; acted speech together has 1."""
STACK_EVERYDAY_WEIGHT = 0.5
"""The same where the parts of the judge are weighed against each other."""
SOURCE_SCATTER = 10.0
"""Times that the scatter of plain voices between sources is added to that within."""
N_ITERATIONS = 40
NAMER_WEIGHTS = (0.65, 0.35)
"""Weights of regression and discriminant in the namer that is judged."""
PLAIN_AIM = 0.92
"""Share of what is named in everyday speech that ``everyday`` makes plain."""
PLAIN_SHARES = tuple(np.round(np.arange(0.3, 0.91, 0.05), 2).tolist())

_K = len(LABELS)
_PLAIN = is_plain(LABELS)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Whole utterances, acted and everyday."""

    examples: Examples
    is_everyday: Bool
    is_expressed: Bool
    layout: InputLayout

    @classmethod
    def of(cls, examples: Examples) -> _Rows:
        chosen = examples.where(examples.is_final & np.isin(examples.variants, VARIANTS))
        everyday = np.char.startswith(chosen.corpora, CORPUS_PREFIX)
        expressed = ~_PLAIN[chosen.y] & ~everyday
        return cls(chosen, everyday, expressed, InputLayout.of_length(chosen.X.shape[1]))

    @property
    def states(self) -> slice:
        return self.layout.embedding

    @property
    def averages(self) -> Int64:
        """Positions of the averaged states: of each layer, mean and deviation follow each other."""
        start, n = self.layout.embedding.start, self.layout.n_embedding
        if n % 4:
            return np.arange(start, start + n)
        width = n // 4
        return np.concatenate([np.arange(width), 2 * width + np.arange(width)]) + np.int64(start)


def fit_unfamiliar(
    examples: Examples, main_corpus: str, threshold: float, seed: int = 0
) -> tuple[Caution | None, ExpressionJudge | None]:
    """Fit caution and the judge of expression.

    Parameters
    ----------
    examples : Examples
        With learned inputs; of the main corpus, others, and everyday speech.
    main_corpus : str
        The corpus whose speakers are at home.
    threshold : float
        Probability from which on an answer is named.
    seed : int
        Of the assignment of speakers to inner folds.

    Returns
    -------
    Caution or None, ExpressionJudge or None
        None where fewer than two other corpora, or no everyday speech, are there to learn from.
    """
    rows = _Rows.of(examples)
    acted = ~rows.is_everyday
    others = np.unique(rows.examples.corpora[acted & (rows.examples.corpora != main_corpus)])
    if len(others) < 2:
        return None, None
    judged = [_judged(rows, out) for out in _left_out(rows, main_corpus, others, seed)]
    held = _Held.joined(judged)
    home = held.is_acted & (held.corpora == main_corpus)
    temperature, _ = best_temperature(held.scores[home], held.y[home], np.ones(home.sum()))
    named = softmax(held.scores / temperature)
    intercept, slope = _best_caution(held, named, main_corpus)
    of = rows.examples
    caution = Caution(fit_familiarity(of.X, of.corpora, rows.averages), intercept, slope)
    if not rows.is_everyday.any():
        return caution, None
    exponent = np.clip(intercept + slope * np.log(held.distance), *LOG_TEMPERATURES)
    sober = softmax(np.log(named) / np.exp(exponent)[:, None])
    return caution, _judge(rows, held, sober, threshold)


# -- leaving out


def _left_out(rows: _Rows, main_corpus: str, others: Str, seed: int) -> Iterator[Bool]:
    """Rows left out in each turn: a corpus, some everyday sources, some main speakers."""
    of = rows.examples
    sources = np.unique(of.corpora[rows.is_everyday])
    turn_of_source = np.random.default_rng(seed).permutation(len(sources)) % len(others)
    is_main = of.corpora == main_corpus
    folds = np.full(len(of), -1)
    folds[is_main] = speaker_folds(of.speakers[is_main], len(others), seed)
    for turn, corpus in enumerate(others):
        heard_not = sources[turn_of_source == turn]
        yield (of.corpora == corpus) | np.isin(of.corpora, heard_not) | (folds == turn)


@dataclass(frozen=True, eq=False)
class _Held:
    """Rows left out, and what was made of them."""

    scores: Float64
    """Log-probabilities of the namer, shape (n, n_labels)."""
    parts: Float64
    """Scores of the two discriminants, shape (n, 2)."""
    distance: Float64
    y: Int64
    corpora: Str
    is_acted: Bool
    is_expressed: Bool

    @classmethod
    def joined(cls, several: list[_Held]) -> _Held:
        names = cls.__dataclass_fields__
        return cls(**{n: np.concatenate([getattr(one, n) for one in several]) for n in names})


def _judged(rows: _Rows, out: Bool) -> _Held:
    """The rows of one turn, judged by what was fitted to the others."""
    of = rows.examples
    namer = _Namer(rows, ~out & ~rows.is_everyday)
    familiarity = fit_familiarity(of.X[~out], of.corpora[~out], rows.averages)
    parts = np.stack([part.scores(of.X[out]) for part in _discriminants(rows, ~out)], axis=1)
    return _Held(
        scores=namer(of.X[out]),
        parts=parts,
        distance=familiarity.distance(of.X[out].astype(np.float64)),
        y=of.y[out],
        corpora=of.corpora[out],
        is_acted=~rows.is_everyday[out],
        is_expressed=rows.is_expressed[out],
    )


class _Namer:
    """Regression and discriminant on the states, as the recipe's own but fitted to less."""

    def __init__(self, rows: _Rows, chosen: Bool) -> None:
        of = rows.examples.where(chosen)
        weights = equal_mass(of.corpora)
        self._states = rows.states
        self._scaling = Scaling.of(of.X[:, rows.states], weights)
        z = self._scaling.apply(of.X[:, rows.states])
        targets = targets_of(of)
        self._regression = fit_masked(z, targets, weights, PENALTY, N_ITERATIONS)
        self._discriminant = Moments.of(z, of.y, weights).discriminant(SHRINKAGE)

    def __call__(self, X: Float32) -> Float64:
        """Log-probabilities, not calibrated, shape (n, n_labels)."""
        z = self._scaling.apply(X[:, self._states])
        wide = z.astype(np.float64)
        regression = fold(softmax(self._regression.scores(wide)), _K)
        scores = self._discriminant.scores(wide)
        # About as sharp as the regression; the temperature follows from the answers together.
        discriminant = softmax(scores * (np.log(regression + MIN_PROBABILITY).std() / scores.std()))
        return np.asarray(
            NAMER_WEIGHTS[0] * np.log(regression + MIN_PROBABILITY)
            + NAMER_WEIGHTS[1] * np.log(discriminant + MIN_PROBABILITY)
        )


def _best_caution(held: _Held, named: Float64, main_corpus: str) -> tuple[Float64, Float64]:
    """Intercept and slope with the best likelihood; home counts as much as all others."""
    acted = held.is_acted
    log_p, y, log_d = np.log(named[acted]), held.y[acted], np.log(held.distance[acted])
    weights = equal_mass(held.corpora[acted])
    is_home = held.corpora[acted] == main_corpus
    for side in (is_home, ~is_home):
        weights[side] /= weights[side].sum()

    def loss(parameters: Float64) -> float:
        exponent = np.clip(parameters[0] + parameters[1] * log_d, *LOG_TEMPERATURES)
        p = softmax(log_p / np.exp(exponent)[:, None])[np.arange(len(y)), y]
        return float(weights @ -np.log(np.maximum(p, 1e-300)))

    start = np.array([0.1, 1.0])
    found = optimize.minimize(loss, start, method="Nelder-Mead").x
    return np.array(found[0]), np.array(found[1])


# -- expression


@dataclass(frozen=True, eq=False)
class _Discriminant:
    """Acted emotions against plain voices, linear in some inputs."""

    used: Int64
    scaling: Scaling
    coef: Float64
    intercept: float

    def scores(self, X: Float32) -> Float64:
        z = self.scaling.apply(X[:, self.used])
        return np.asarray(z.astype(np.float64) @ self.coef + self.intercept)


def _discriminants(rows: _Rows, chosen: Bool) -> tuple[_Discriminant, ...]:
    """One on the averaged states, one on the hand-made features; scores of deviation 1."""
    of = rows.examples.where(chosen)
    expressed, everyday = rows.is_expressed[chosen], rows.is_everyday[chosen]
    weights = expression_weights(of.corpora, expressed, everyday, EVERYDAY_WEIGHT)
    return tuple(
        _discriminant(of, used, expressed, weights)
        for used in (rows.averages, np.r_[rows.layout.hand_made])
    )


def expression_weights(
    corpora: Str, is_expressed: Bool, is_everyday: Bool, everyday_weight: float
) -> Float64:
    """Weight of each row: every acted corpus and, in it, both sides the same sum.

    All sources of everyday speech have the same sum, together `everyday_weight` of acted speech.
    """
    weights = np.zeros(len(corpora))
    for corpus in np.unique(corpora):
        for side in (is_expressed, ~is_expressed):
            own = (corpora == corpus) & side
            weights[own] = 1.0 / max(int(own.sum()), 1)
    if is_everyday.any():
        acted = weights[~is_everyday].sum()
        weights[is_everyday] *= everyday_weight * acted / weights[is_everyday].sum()
    return weights


def _discriminant(of: Examples, used: Int64, expressed: Bool, weights: Float64) -> _Discriminant:
    scaling = Scaling.of(of.X[:, used], weights)
    z = scaling.apply(of.X[:, used])
    means = np.stack(
        [(weights[side] @ z[side]) / weights[side].sum() for side in (~expressed, expressed)]
    )
    rest = z - means[expressed.astype(np.int64)].astype(np.float32)
    scatter = (rest * (weights / weights.sum()).astype(np.float32)[:, None]).T @ rest
    sources = np.stack(
        [
            z[(of.corpora == corpus) & ~expressed].mean(axis=0)
            for corpus in np.unique(of.corpora[~expressed])
        ]
    )
    sources = sources - sources.mean(axis=0)
    within = scatter.astype(np.float64) + SOURCE_SCATTER * (sources.T @ sources) / len(sources)
    size = len(used)
    spherical = float(np.trace(within)) / size * np.eye(size)
    coef = linalg.solve(
        (1.0 - SHRINKAGE) * within + SHRINKAGE * spherical, means[1] - means[0], assume_a="pos"
    )
    spread = float((z @ coef).std())
    middle = float(means.mean(axis=0) @ coef)
    return _Discriminant(used, scaling, coef / spread, -middle / spread)


def _judge(rows: _Rows, held: _Held, named: Float64, threshold: float) -> ExpressionJudge:
    """Weigh the parts by what they said of rows left out; then fit them to all rows."""
    from sklearn.linear_model import LogisticRegression

    opinions = np.column_stack([held.parts, naming_log_odds(named, _PLAIN)])
    weights = expression_weights(
        held.corpora, held.is_expressed, ~held.is_acted, STACK_EVERYDAY_WEIGHT
    )
    for side in (held.is_expressed, ~held.is_expressed):
        weights[side] *= len(weights) / 2.0 / weights[side].sum()
    regression = LogisticRegression(C=1.0, max_iter=1000)
    regression.fit(opinions, held.is_expressed, sample_weight=weights)
    n = rows.layout.n_inputs
    mean, scale, coef = np.zeros(n), np.ones(n), np.zeros(n)
    intercept = float(regression.intercept_[0])
    *trusts, naming = regression.coef_[0].tolist()
    whole = _discriminants(rows, np.ones(len(rows.examples), bool))
    for trust, part in zip(trusts, whole, strict=True):
        mean[part.used], scale[part.used] = part.scaling.mean, part.scaling.scale
        coef[part.used] = trust * part.coef
        intercept += trust * part.intercept
    judge = ExpressionJudge(
        mean=mean,
        scale=scale,
        limit=np.array(LIMIT),
        coef=coef,
        naming=np.array(naming),
        intercept=np.array(intercept),
        plain=_PLAIN,
        everyday_share=np.array(PLAIN_SHARES[-1]),
    )
    everyday = ~held.is_acted
    log_odds = regression.decision_function(opinions[everyday])
    for share in PLAIN_SHARES:
        shares = np.where(_PLAIN, share / _PLAIN.sum(), (1.0 - share) / (~_PLAIN).sum())
        answers = judge.combined(log_odds, named[everyday], shares)
        if plain_of_named(answers, held.corpora[everyday], threshold) >= PLAIN_AIM:
            return replace(judge, everyday_share=np.array(share))
    return judge


def plain_of_named(answers: Float64, sources: Str, threshold: float) -> float:
    """Share of the named utterances that are named neutral or calm, mean over sources."""
    named = answers.max(axis=1) >= threshold
    plain = _PLAIN[answers.argmax(axis=1)]
    shares = []
    for source in np.unique(sources):
        own = named & (sources == source)
        if own.any():
            shares.append(float(plain[own].mean()))
    return float(np.mean(shares)) if shares else 1.0
