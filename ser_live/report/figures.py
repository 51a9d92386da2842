"""Every number of a report, computed once; pages, tables and files of data write these."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ser_live.events import Verdict
from ser_live.report.session_data import Judged, SessionData
from ser_live.report.shares import NOTHING, Blocks, Estimate, wilson

N_MOMENTS = 5
"""Moments shown of each kind."""
UNCERTAIN = Verdict.UNCERTAIN.value
DROPPED = "dropped"
SILENCE = "silence"
MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A row of the table of shares: a label, or a reason for which none was named."""

    name: str
    is_label: bool
    time_s: float
    """Speech time; for silence and what is missing, time."""
    of_heard: float
    """Share of all time heard, 0 to 1; all rows add up to 1."""
    of_named: Estimate
    """Share of the speech time that was named; labels alone."""
    probability: Estimate
    """Mean calibrated probability, weighted by speech time; labels alone."""
    n: int
    """Utterances; 0 for silence and what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature that stood out against the speaker's own running mean in some utterances."""

    name: str
    n_higher: int
    n_lower: int
    median: float
    """Median of the differences, in the feature's unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A person's own labels beside the model's."""

    n: int
    """Corrections of utterances that the model named."""
    n_same: int
    share: Estimate
    n_unnamed: int
    """Corrections of utterances that the model did not name."""
    n_unknown: int
    """Corrections of utterances that the log does not have."""


@dataclass(slots=True, kw_only=True)
class Figures:
    """The numbers of one session."""

    heard_s: float
    length_s: float
    speech_s: float
    """Speech time of all utterances."""
    named_s: float
    classified_s: float
    """Speech time of utterances with probabilities, whether a label was named or not."""
    n_utterances: int
    n_named: int
    states: Counter[str]
    """Utterances by verdict, the named ones left out; what was dropped too."""
    labels: tuple[str, ...]
    blocks: Blocks
    shares: list[Share]
    valence: Estimate
    arousal: Estimate
    transitions: Counter[tuple[str, str]]
    """Named utterances that followed each other in their stream, by their labels."""
    features: list[Feature]
    strongest: list[Judged]
    least_certain: list[Judged]
    gap_s: float
    n_gaps: int
    n_dropped: int
    causes: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Missing stretches by cause: how many, and how long together."""
    agreement: Agreement | None = None

    @property
    def named(self) -> list[Share]:
        """Labels that were named, the most frequent first."""
        found = [share for share in self.shares if share.is_label and share.n]
        return sorted(found, key=lambda share: -share.time_s)


def compute(data: SessionData) -> Figures:
    """The figures of a session."""
    utterances = data.utterances
    labels = data.labels
    blocks = Blocks.of(utterances, data.length_s)
    named = [u for u in utterances if u.result.emotion is not None]
    classified = [u for u in utterances if u.result.probabilities is not None]
    gaps = [s for s in data.missing if s.cause != DROPPED]
    drops = [s for s in data.missing if s.cause == DROPPED]
    states = Counter(
        {v.value: sum(u.result.state is v for u in utterances) for v in Verdict if v is not OK}
    )
    states[DROPPED] = len(drops)
    causes: dict[str, tuple[int, float]] = {}
    for stretch in data.missing:
        n, total_s = causes.get(stretch.cause, (0, 0.0))
        causes[stretch.cause] = (n + 1, total_s + stretch.end_s - stretch.start_s)
    return Figures(
        heard_s=data.heard_s,
        length_s=data.length_s,
        speech_s=_speech_s(utterances),
        named_s=_speech_s(named),
        classified_s=_speech_s(classified),
        n_utterances=len(utterances),
        n_named=len(named),
        states=+states,
        labels=labels,
        blocks=blocks,
        shares=_shares(data, labels, blocks),
        valence=_affect(utterances, blocks, "valence"),
        arousal=_affect(utterances, blocks, "arousal"),
        transitions=_transitions(named),
        features=_features(utterances),
        strongest=sorted(named, key=lambda u: (-_confidence(u), u.start_s))[:N_MOMENTS],
        least_certain=sorted(classified, key=lambda u: (_confidence(u), u.start_s))[:N_MOMENTS],
        gap_s=sum(s.end_s - s.start_s for s in gaps),
        n_gaps=len(gaps),
        n_dropped=len(drops),
        causes=causes,
        agreement=_agreement(data),
    )


OK = Verdict.OK


def _speech_s(utterances: Sequence[Judged]) -> float:
    return sum(u.result.speech_s for u in utterances)


def _confidence(judged: Judged) -> float:
    confidence = judged.result.confidence
    return math.nan if confidence is None else confidence


def _shares(data: SessionData, labels: tuple[str, ...], blocks: Blocks) -> list[Share]:
    utterances = data.utterances
    heard_s = data.heard_s
    rows = []
    for label in labels:
        own, named = amounts_of(utterances, "named", label)
        expected, classified = amounts_of(utterances, "probability", label)
        rows.append(
            Share(
                name=label,
                is_label=True,
                time_s=sum(own),
                of_heard=_part(sum(own), heard_s),
                of_named=blocks.ratio(own, named, lowest=0.0, highest=1.0),
                probability=blocks.ratio(expected, classified, lowest=0.0, highest=1.0),
                n=sum(u.result.emotion == label for u in utterances),
            )
        )
    for verdict in Verdict:
        found = [u.result.speech_s for u in utterances if u.result.state is verdict]
        if verdict is not OK and found:
            rows.append(_unnamed(verdict.value, sum(found), heard_s, len(found)))
    missing = {DROPPED: [s for s in data.missing if s.cause == DROPPED]}
    missing[MISSING] = [s for s in data.missing if s.cause != DROPPED]
    lost_s = {name: sum(s.end_s - s.start_s for s in found) for name, found in missing.items()}
    if missing[DROPPED]:
        rows.append(_unnamed(DROPPED, lost_s[DROPPED], heard_s, len(missing[DROPPED])))
    silence_s = max(heard_s - _speech_s(utterances) - sum(lost_s.values()), 0.0)
    rows.append(_unnamed(SILENCE, silence_s, heard_s, 0))
    if missing[MISSING]:
        rows.append(_unnamed(MISSING, lost_s[MISSING], heard_s, 0))
    return rows


def _unnamed(name: str, time_s: float, heard_s: float, n: int) -> Share:
    return Share(
        name=name,
        is_label=False,
        time_s=time_s,
        of_heard=_part(time_s, heard_s),
        of_named=NOTHING,
        probability=NOTHING,
        n=n,
    )


def _part(amount: float, whole: float) -> float:
    return amount / whole if whole > 0 else math.nan


def _probability(judged: Judged, label: str) -> float:
    result = judged.result
    if result.probabilities is None or label not in result.labels:
        return 0.0
    return result.probabilities[result.labels.index(label)]


def _affect(utterances: Sequence[Judged], blocks: Blocks, name: str) -> Estimate:
    return blocks.ratio(*amounts_of(utterances, name, name), lowest=-1.0, highest=1.0)


def amounts_of(
    utterances: Sequence[Judged], kind: str, name: str
) -> tuple[list[float], list[float]]:
    """Amounts and weights, by utterance, that an estimate is the ratio of.

    Parameters
    ----------
    utterances : sequence of Judged
    kind : str
        ``named`` (share of the named speech time), ``probability`` (mean weighted by speech
        time), ``valence`` or ``arousal``.
    name : str
        The label, for the first two.
    """
    if kind == "named":
        weights = [u.result.speech_s if u.result.emotion is not None else 0.0 for u in utterances]
        shares = [1.0 if u.result.emotion == name else 0.0 for u in utterances]
    elif kind == "probability":
        weights = [
            u.result.speech_s if u.result.probabilities is not None else 0.0 for u in utterances
        ]
        shares = [_probability(u, name) for u in utterances]
    else:
        values = [getattr(u.result, kind) for u in utterances]
        weights = [
            0.0 if value is None else u.result.speech_s
            for u, value in zip(utterances, values, strict=True)
        ]
        shares = [0.0 if value is None else value for value in values]
    return [w * share for w, share in zip(weights, shares, strict=True)], weights


def _transitions(named: Sequence[Judged]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    before: dict[int, str] = {}
    for judged in named:
        number, emotion = judged.result.stream.number, judged.result.emotion
        assert emotion is not None  # noqa: S101  only those that name one are given
        if number in before:
            counts[before[number], emotion] += 1
        before[number] = emotion
    return counts


def _features(utterances: Sequence[Judged]) -> list[Feature]:
    differences: dict[str, list[float]] = {}
    for judged in utterances:
        for reason in judged.result.reasons:
            if math.isfinite(reason.difference):
                differences.setdefault(reason.feature, []).append(reason.difference)
    found = [
        Feature(
            name=name,
            n_higher=sum(d > 0 for d in values),
            n_lower=sum(d < 0 for d in values),
            median=_median(values),
        )
        for name, values in differences.items()
    ]
    return sorted(found, key=lambda f: -(f.n_higher + f.n_lower))


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    n = len(ordered)
    if not n:
        return math.nan
    return ordered[n // 2] if n % 2 else (ordered[n // 2 - 1] + ordered[n // 2]) / 2


def quantile(values: Sequence[float], share: float) -> float:
    """Value below which a share of the finite values lie, interpolated; NaN without any."""
    ordered = sorted(v for v in values if math.isfinite(v))
    if not ordered:
        return math.nan
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def _agreement(data: SessionData) -> Agreement | None:
    if not data.corrections:
        return None
    known = {(u.result.stream.number, u.result.id): u.result.emotion for u in data.utterances}
    given = [(known.get((c.stream, c.id)), c) for c in data.corrections]
    n_unknown = sum((c.stream, c.id) not in known for c in data.corrections)
    judged = [(named, c.emotion) for named, c in given if named is not None]
    n_same = sum(named == own for named, own in judged)
    return Agreement(
        n=len(judged),
        n_same=n_same,
        share=wilson(n_same, len(judged)),
        n_unnamed=len(given) - len(judged) - n_unknown,
        n_unknown=n_unknown,
    )
