"""Tables of a report, as rows of words; pages of every form write these."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ser_live.pages.charts import time_name
from ser_live.pages.markup import name_of
from ser_live.report.bins import MAX_SINGLE, bin_length_s
from ser_live.report.figures import Figures
from ser_live.report.session_data import Judged, SessionData
from ser_live.report.texts import Texts

MAX_REMARKS = 500
"""Marks and notes that are shown."""
MAX_MINUTES = 480
"""Rows of the table of a session that is too long for its utterances one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table in words; the first cell of a row is its heading."""

    caption: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numeric: tuple[int, ...] = ()
    """Columns that hold numbers."""
    notes: list[str] = field(default_factory=list)
    """Sentences below it."""


def shares(figures: Figures, texts: Texts) -> Table:
    """Shares of labels and of all else, in two ways."""
    rows = [
        (
            name_of(texts.label(share.name)) if share.is_label else texts.state(share.name),
            texts.percent(share.probability.value),
            texts.interval(share.probability),
            texts.percent(share.of_named.value),
            texts.interval(share.of_named),
            texts.percent(share.of_heard),
            texts.duration(share.time_s),
            str(share.n) if share.n or share.is_label else "–",
        )
        for share in figures.shares
    ]
    names = ("label", "probability", "interval", "named", "interval", "heard", "time", "n")
    columns = tuple(texts(f"shares.column.{name}") for name in names)
    return Table(
        caption=texts("shares.caption"),
        columns=columns,
        rows=rows,
        numeric=tuple(range(1, 8)),
        notes=[interval_note(figures, texts)],
    )


def interval_note(figures: Figures, texts: Texts) -> str:
    """Sentence about the intervals, or why there are none."""
    from ser_live.report.shares import MIN_BLOCKS

    n, block = figures.blocks.n_with_speech, texts.duration(figures.blocks.length_s)
    if n < MIN_BLOCKS:
        return texts("shares.no_interval", n=n, block=block, least=MIN_BLOCKS)
    return texts("shares.interval", n=n, block=block)


def transitions(figures: Figures, texts: Texts) -> Table | None:
    """Named utterances that followed each other; ``None`` where none did."""
    counts = figures.transitions
    if not counts:
        return None
    named = [label for label in figures.labels if any(label in pair for pair in counts)]
    rows = [
        (
            name_of(texts.label(one)),
            *(str(counts[one, other] or "") for other in named),
            str(sum(counts[one, other] for other in named)),
        )
        for one in named
    ]
    heads = tuple(name_of(texts.label(label)) for label in named)
    return Table(
        caption=texts("transitions.caption", n=sum(counts.values())),
        columns=(texts("transitions.from"), *heads, texts("transitions.sum")),
        rows=rows,
        numeric=tuple(range(1, len(named) + 2)),
    )


def voice(figures: Figures, texts: Texts) -> Table | None:
    """Features that stood out against the own running mean; ``None`` where none did."""
    if not figures.features:
        return None
    rows = []
    for feature in figures.features:
        unit = texts.unit(feature.name)
        median = texts.number(feature.median, 1, signed=True)
        rows.append(
            (
                name_of(texts.feature(feature.name)),
                str(feature.n_higher + feature.n_lower),
                str(feature.n_higher),
                str(feature.n_lower),
                f"{median} {unit}" if unit else "–",
            )
        )
    names = ("feature", "n", "higher", "lower", "median")
    return Table(
        caption=texts("voice.caption"),
        columns=tuple(texts(f"voice.column.{name}") for name in names),
        rows=rows,
        numeric=(1, 2, 3, 4),
    )


def moments(found: Sequence[Judged], caption: str, several: bool, texts: Texts) -> Table:
    """Single moments with what stood out in them."""
    rows = [
        (
            f"{time_name(u.start_s)}–{time_name(u.end_s)}",
            *([place_of(u)] if several else []),
            guess(u, texts),
            texts.probability(u.result.confidence),
            reasons(u, texts) or texts("moments.no_reasons"),
        )
        for u in found
    ]
    names = ("at", *(["where"] if several else []), "label", "probability", "reasons")
    columns = tuple(texts(f"moments.column.{name}") for name in names)
    return Table(caption=caption, columns=columns, rows=rows, numeric=(len(columns) - 2,))


def place_of(judged: Judged) -> str:
    """Stream of an utterance, and where in it."""
    stream = judged.result.stream
    return f"{name_of(stream.role or stream.source)[:60]} {time_name(judged.result.start_s)}"


def guess(judged: Judged, texts: Texts) -> str:
    """Label of an utterance, or what it might have been."""
    result = judged.result
    if result.emotion is not None:
        return name_of(texts.label(result.emotion))
    return texts("moments.guess", label=name_of(texts.label(result.best)))


def reasons(judged: Judged, texts: Texts) -> str:
    """Features that stood out in an utterance, in words."""
    return name_of(", ".join(filter(None, map(texts.reason, judged.result.reasons))))


def remarks(data: SessionData, texts: Texts) -> Table | None:
    """Marks and notes; ``None`` without any."""
    if not data.remarks:
        return None
    rows = []
    for n, remark in enumerate(data.remarks[:MAX_REMARKS], start=1):
        at = time_name(remark.start_s)
        kind = texts(f"kind.{remark.kind}")
        rating = "–" if remark.rating is None else texts("remarks.rating", n=remark.rating)
        kind = texts.word("source", remark.source) if remark.source else kind
        rows.append((str(n), at, name_of(kind), name_of(remark.text), rating))
    names = ("n", "at", "kind", "text", "rating")
    notes = []
    if len(data.remarks) > MAX_REMARKS:
        notes.append(texts("remarks.more", n=MAX_REMARKS, all=len(data.remarks)))
    return Table(
        caption=texts("remarks.caption"),
        columns=tuple(texts(f"remarks.column.{name}") for name in names),
        rows=rows,
        notes=notes,
    )


def corrections(data: SessionData, figures: Figures, texts: Texts) -> Table | None:
    """A person's own labels beside the model's; ``None`` without any."""
    agreement = figures.agreement
    if agreement is None:
        return None
    known = {(u.result.stream.number, u.result.id): u for u in data.utterances}
    rows = []
    for given in data.corrections[:MAX_REMARKS]:
        u = known.get((given.stream, given.id))
        if u is None:
            continue
        model = texts.state(u.result.state.value)
        if u.result.emotion is not None:
            model = name_of(texts.label(u.result.emotion))
        own = name_of(texts.label(str(given.emotion)))
        rows.append((time_name(u.start_s), model, own, name_of(given.by), name_of(given.at)))
    notes = []
    if agreement.n:
        share, interval = texts.percent(agreement.share.value), texts.interval(agreement.share)
        values = {"same": agreement.n_same, "share": share, "interval": interval}
        notes.append(texts("corrections.agree", n=agreement.n, **values))
    for name, n in (("unnamed", agreement.n_unnamed), ("unknown", agreement.n_unknown)):
        if n:
            notes.append(texts(f"corrections.{name}", n=n))
    if len(data.corrections) > MAX_REMARKS:
        notes.append(texts("remarks.more", n=MAX_REMARKS, all=len(data.corrections)))
    names = ("at", "model", "own", "by", "when")
    return Table(
        caption=texts("corrections.caption"),
        columns=tuple(texts(f"corrections.column.{name}") for name in names),
        rows=rows,
        notes=notes,
    )


def utterances(data: SessionData, texts: Texts) -> Table:
    """Every utterance in a row, or rows of some minutes where there are too many."""
    if len(data.utterances) > MAX_SINGLE:
        return _minutes(data, texts)
    several = len(data.parts) > 1
    rows = []
    for u in data.utterances:
        r = u.result
        state = texts.state(r.state.value)
        rows.append(
            (
                time_name(u.start_s),
                *([place_of(u)] if several else []),
                texts.number(u.end_s - u.start_s, 1),
                state if r.emotion is None else name_of(texts.label(r.emotion)),
                texts.probability(r.confidence),
                texts.number(r.valence, signed=True),
                texts.number(r.arousal, signed=True),
                texts.number(r.level_dbfs, 0),
                texts.number(r.snr_db, 0),
                reasons(u, texts),
            )
        )
    names = [
        "at",
        "length",
        "label",
        "probability",
        "valence",
        "arousal",
        "level",
        "snr",
        "reasons",
    ]
    if several:
        names.insert(1, "stream")
    numeric = tuple(n for n, name in enumerate(names) if name not in _WORDS)
    columns = tuple(texts(f"data.column.{name}") for name in names)
    return Table(caption=texts("data.table"), columns=columns, rows=rows, numeric=numeric)


_WORDS = ("at", "stream", "label", "reasons", "most")


def _minutes(data: SessionData, texts: Texts) -> Table:
    bin_s = bin_length_s(data.length_s, MAX_MINUTES, least_s=60.0)
    bins: dict[int, list[Judged]] = {}
    for u in data.utterances:
        bins.setdefault(int(u.start_s // bin_s), []).append(u)
    rows = []
    for place, found in sorted(bins.items()):
        named_s: dict[str, float] = {}
        for u in found:
            if u.result.emotion is not None:
                before_s = named_s.get(u.result.emotion, 0.0)
                named_s[u.result.emotion] = before_s + u.result.speech_s
        most = max(named_s, key=lambda label: named_s[label], default=None)
        rows.append(
            (
                time_name(place * bin_s),
                str(len(found)),
                texts.number(sum(u.result.speech_s for u in found), 1),
                name_of(texts.label(most)) or "–",
                *(texts.number(_mean(found, name), signed=True) for name in ("valence", "arousal")),
            )
        )
    names = ("at", "n", "speech", "most", "valence", "arousal")
    numeric = tuple(n for n, name in enumerate(names) if name not in _WORDS)
    return Table(
        caption=texts("data.table.binned", bin=texts.duration(bin_s)),
        columns=tuple(texts(f"data.column.{name}") for name in names),
        rows=rows,
        numeric=numeric,
    )


def _mean(found: Sequence[Judged], name: str) -> float:
    known = [u for u in found if getattr(u.result, name) is not None]
    total = sum(u.result.speech_s for u in known)
    if total <= 0:
        return math.nan
    return float(sum(u.result.speech_s * getattr(u.result, name) for u in known) / total)
