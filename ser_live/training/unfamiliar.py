"""Lessons that only corpora left out can teach: caution, and whether anything is expressed.

Voices of a corpus that was trained on are no strangers: microphone, language and sentences are
known. So each other corpus in turn, some sources of everyday speech and some speakers of the main
corpus are left out together, and judged by classifiers that heard none of them. On these answers
are fitted:

1. the rule of caution by distance (``model.caution``), relative to the main corpus's own speakers;
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
from ser_live.model.caution import Caution, CautionRule, Familiarity
from ser_live.model.classifier import fold, softmax
from ser_live.model.encoder import STATE_WIDTH
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
HOME_QUANTILES = (0.5, 0.95)
"""Quantiles of the distances of the main corpus's voices, left out, between which doubt grows."""
PLAIN_AIM = 0.87
"""Share of what is named in everyday speech that ``everyday`` makes plain."""
PLAIN_SHARES = tuple(np.round(np.arange(0.3, 0.91, 0.02), 2).tolist())

_K = len(LABELS)
_PLAIN = is_plain(LABELS)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Whole utterances, acted and everyday."""

    examples: Examples
    """Everything but the inputs, which would be copied with each selection."""
    averages: Float32
    """Averaged states of the encoder, shape (n, n_averages)."""
    hand_made: Float32
    """Hand-made features, shape (n, n_hand_made)."""
    is_everyday: Bool
    is_expressed: Bool

    @classmethod
    def of(cls, examples: Examples, layout: InputLayout) -> _Rows:
        everyday = np.char.startswith(examples.corpora, CORPUS_PREFIX)
        return cls(
            replace(examples, X=examples.X[:, :0]),
            np.ascontiguousarray(examples.X[:, averaged_states(layout)]),
            np.ascontiguousarray(examples.X[:, layout.hand_made]),
            everyday,
            ~_PLAIN[examples.y] & ~everyday,
        )

    def where(self, mask: Bool) -> _Rows:
        return _Rows(
            self.examples.where(mask),
            self.averages[mask],
            self.hand_made[mask],
            self.is_everyday[mask],
            self.is_expressed[mask],
        )


def averaged_states(layout: InputLayout) -> Int64:
    """Positions of the averages over time; of each layer, mean and deviation follow each other.

    All positions for an encoder with states of another width than Whisper-base.
    """
    places = np.arange(layout.embedding.start, layout.embedding.stop)
    if len(places) % (2 * STATE_WIDTH):
        return places
    return places.reshape(-1, 2, STATE_WIDTH)[:, 0].ravel()


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
    layout = InputLayout.of_length(examples.X.shape[1])
    whole = examples.where(examples.is_final & np.isin(examples.variants, VARIANTS))
    every = _Rows.of(whole, layout)
    rows = every.where(whole.variants == PLAIN)
    corpora = rows.examples.corpora
    others = np.unique(corpora[~rows.is_everyday & (corpora != main_corpus)])
    if len(others) < 2:
        return None, None
    held = _Held.joined([_judged(rows, out) for out in _left_out(rows, main_corpus, others, seed)])
    home = held.is_acted & (held.corpora == main_corpus)
    temperature, _ = best_temperature(held.scores[home], held.y[home], np.ones(home.sum()))
    named = softmax(held.scores / temperature)
    rule = _best_rule(held, named, main_corpus)
    acted = rows.where(~rows.is_everyday)
    caution = Caution(_familiarity(acted, averaged_states(layout)), rule)
    if not rows.is_everyday.any():
        return caution, None
    named = rule.temper(named, held.distance)
    return caution, _judge(every, layout, held, named, rule, threshold)


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
    heard, held = rows.where(~out), rows.where(out)
    acted = heard.where(~heard.is_everyday)
    namer = _Namer(acted)
    familiarity = _familiarity(acted, np.arange(heard.averages.shape[1]))
    of_states, of_features = _discriminants(heard)
    return _Held(
        scores=namer.log_probabilities(held.averages),
        parts=np.stack([of_states.scores(held.averages), of_features.scores(held.hand_made)], 1),
        distance=familiarity.distance(held.averages),
        y=held.examples.y,
        corpora=held.examples.corpora,
        is_acted=~held.is_everyday,
        is_expressed=held.is_expressed,
    )


def _familiarity(acted: _Rows, used: Int64) -> Familiarity:
    """Distance from where names were learned: a microphone known from plain talk counts not."""
    return fit_familiarity(acted.averages, acted.examples.corpora, used)


class _Namer:
    """Regression and discriminant as in the recipe's ensemble, on averages and fewer rows."""

    def __init__(self, rows: _Rows) -> None:
        of = rows.examples
        weights = equal_mass(of.corpora)
        self._scaling = Scaling.of(rows.averages, weights)
        z = self._scaling.apply(rows.averages)
        self._regression = fit_masked(z, targets_of(of), weights, PENALTY, N_ITERATIONS)
        self._discriminant = Moments.of(z, of.y, weights).discriminant(SHRINKAGE)

    def log_probabilities(self, averages: Float32) -> Float64:
        """Not calibrated, shape (n, n_labels)."""
        z = self._scaling.apply(averages).astype(np.float64)
        regression = np.log(fold(softmax(self._regression.scores(z)), _K) + MIN_PROBABILITY)
        scores = self._discriminant.scores(z)
        # About as sharp as the regression; the temperature follows from the answers together.
        discriminant = np.log(softmax(scores * regression.std() / scores.std()) + MIN_PROBABILITY)
        return np.asarray(NAMER_WEIGHTS[0] * regression + NAMER_WEIGHTS[1] * discriminant)


def _best_rule(held: _Held, named: Float64, main_corpus: str) -> CautionRule:
    """The rule with the best likelihood; home counts as much as all others."""
    acted = held.is_acted
    p, y, distance = named[acted], held.y[acted], held.distance[acted]
    weights = equal_mass(held.corpora[acted])
    is_home = held.corpora[acted] == main_corpus
    for side in (is_home, ~is_home):
        weights[side] /= weights[side].sum()
    near, far = np.quantile(distance[is_home], HOME_QUANTILES)

    def rule(parameters: Float64) -> CautionRule:
        intercept, slope = np.asarray(parameters, dtype=np.float64)
        return CautionRule(np.array(intercept), np.array(slope), np.array(near), np.array(far))

    def loss(parameters: Float64) -> float:
        tried = rule(parameters)
        answers = tried.doubt(tried.temper(p, distance), distance)
        right = answers[np.arange(len(y)), y]
        return float(weights @ -np.log(np.maximum(right, 1e-300)))

    return rule(optimize.minimize(loss, np.array([0.1, 1.0]), method="Nelder-Mead").x)


# -- expression


@dataclass(frozen=True, eq=False)
class _Discriminant:
    """Acted emotions against plain voices, linear in some inputs; scores of deviation 1."""

    scaling: Scaling
    coef: Float64
    intercept: float

    def scores(self, X: Float32) -> Float64:
        z = self.scaling.apply(X)
        return np.asarray(z.astype(np.float64) @ self.coef + self.intercept)


def _discriminants(rows: _Rows) -> tuple[_Discriminant, _Discriminant]:
    """One on the averaged states, one on the hand-made features."""
    corpora, expressed = rows.examples.corpora, rows.is_expressed
    weights = expression_weights(corpora, expressed, rows.is_everyday, EVERYDAY_WEIGHT)
    return (
        _discriminant(rows.averages, corpora, expressed, weights),
        _discriminant(rows.hand_made, corpora, expressed, weights),
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


def _discriminant(X: Float32, corpora: Str, expressed: Bool, weights: Float64) -> _Discriminant:
    scaling = Scaling.of(X, weights)
    z = scaling.apply(X)
    means = np.stack(
        [(weights[side] @ z[side]) / weights[side].sum() for side in (~expressed, expressed)]
    )
    rest = z - means[expressed.astype(np.int64)].astype(np.float32)
    scatter = (rest * (weights / weights.sum()).astype(np.float32)[:, None]).T @ rest
    sources = np.stack(
        [
            z[(corpora == corpus) & ~expressed].mean(axis=0)
            for corpus in np.unique(corpora[~expressed])
        ]
    )
    sources = sources - sources.mean(axis=0)
    within = scatter.astype(np.float64) + SOURCE_SCATTER * (sources.T @ sources) / len(sources)
    size = X.shape[1]
    spherical = float(np.trace(within)) / size * np.eye(size)
    coef = linalg.solve(
        (1.0 - SHRINKAGE) * within + SHRINKAGE * spherical, means[1] - means[0], assume_a="pos"
    )
    spread = float((z @ coef).std())
    middle = float(means.mean(axis=0) @ coef)
    return _Discriminant(scaling, coef / spread, -middle / spread)


def _judge(
    rows: _Rows,
    layout: InputLayout,
    held: _Held,
    named: Float64,
    rule: CautionRule,
    threshold: float,
) -> ExpressionJudge:
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
    n = layout.n_inputs
    mean, scale, coef = np.zeros(n), np.ones(n), np.zeros(n)
    intercept = float(regression.intercept_[0])
    *trusts, naming = regression.coef_[0].tolist()
    places = (averaged_states(layout), np.r_[layout.hand_made])
    for trust, used, part in zip(trusts, places, _discriminants(rows), strict=True):
        mean[used], scale[used] = part.scaling.mean, part.scaling.scale
        coef[used] = trust * part.coef
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
        answers = rule.doubt(
            judge.combined(log_odds, named[everyday], shares), held.distance[everyday]
        )
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
