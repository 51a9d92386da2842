"""The report in words: who and when, what happened, how good the sound was."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from ser_live.events import SessionStarted
from ser_live.pages.charts import time_name
from ser_live.pages.markup import name_of
from ser_live.report.figures import UNCERTAIN, Figures, quantile
from ser_live.report.model_facts import ModelFacts
from ser_live.report.session_data import Judged, SessionData
from ser_live.report.texts import Texts

Pairs = list[tuple[str, str]]

_MAX_SAID = 12
"""Sentences shown of what a session said about its signal."""
_N_MOST = 3
"""Labels in the sentence about the most frequent ones."""


def date(started_at: str | None, texts: Texts) -> str:
    """A wall time as people write it; as it stands where it is no time."""
    with suppress(ValueError, TypeError):
        moment = datetime.fromisoformat(started_at or "")
        month = texts("months").split()[moment.month - 1]
        time = f"{moment:%H:%M}"
        return texts("date", day=moment.day, month=month, year=moment.year, time=time)
    return name_of(started_at or "–")


def heading(data: SessionData, texts: Texts) -> str:
    """Title of the page of one session."""
    if data.started is None:
        return texts("title.unknown")
    return texts("title", when=date(data.started.started_at, texts))


def about(data: SessionData, figures: Figures, facts: ModelFacts, texts: Texts) -> Pairs:
    """Facts about the session: who, when, device, model, licence."""
    started = data.started
    assert started is not None  # noqa: S101  a report is about a session that began
    sources = list(dict.fromkeys(name_of(part.stream.source) for part in data.parts))
    one = "about.device" if len(sources) < 2 else "about.devices"
    ended = "ended.none" if data.ended is None else f"ended.{data.ended.reason.value}"
    licence = texts("about.licence.unknown") if facts.licence is None else facts.licence
    return [
        (texts("about.when"), date(started.started_at, texts)),
        (texts("about.who"), _speaker(started, texts)),
        (texts(one), _first(sources, texts)),
        (texts("about.length"), texts.duration(figures.heard_s)),
        (texts("about.speech"), texts.duration(figures.speech_s)),
        (texts("about.ended"), texts(ended)),
        (texts("about.model"), f"{name_of(started.model)} ({name_of(started.model_sha256)[:12]})"),
        (texts("about.licence"), name_of(licence)),
        *_settings(started, texts),
        (texts("about.version"), name_of(started.version)),
    ]


def _speaker(started: SessionStarted, texts: Texts) -> str:
    if not started.speaker:
        return texts("about.stranger")
    return texts("about.enrolled", name=name_of(started.speaker))


def _first(names: list[str], texts: Texts) -> str:
    if not names:
        return "–"
    if len(names) == 1:
        return names[0]
    return texts("about.more", first=names[0], n=len(names) - 1)


def _settings(started: SessionStarted, texts: Texts) -> Iterator[tuple[str, str]]:
    adapts, prior = started.settings.get("adapt"), started.settings.get("prior")
    if isinstance(adapts, bool):
        yield texts("about.adapt"), texts(f"about.adapt.{'yes' if adapts else 'no'}")
    if isinstance(prior, str):
        yield texts("about.prior"), name_of(texts.word("about.prior", prior))


def trust(facts: ModelFacts, n_labels: int, texts: Texts) -> list[str]:
    """Sentences about how far the model is to be trusted."""
    sentences = [texts("model.limits", n=n_labels)]
    plain = (facts.n_plain_sources, facts.plain_of_named, facts.surely_else, facts.plain_named)
    if None in plain:
        sentences.append(texts("model.unknown"))
    else:
        rest = max(1.0 - (facts.plain_of_named or 0.0), 1e-3)
        sentences.append(
            texts(
                "model.plain",
                sources=facts.n_plain_sources,
                plain=texts.percent(facts.plain_of_named),
                one_in=round(1.0 / rest),
                surely=texts.percent(facts.surely_else, 1),
                named=texts.percent(facts.plain_named),
            )
        )
    if facts.held_out_uar is not None and facts.held_out_chance is not None:
        uar, chance = texts.percent(facts.held_out_uar), texts.percent(facts.held_out_chance)
        sentences.append(texts("model.held_out", uar=uar, chance=chance))
    if facts.accuracy is not None:
        sentences.append(texts("model.acted", accuracy=texts.percent(facts.accuracy)))
    return sentences


def happened(figures: Figures, texts: Texts) -> list[str]:
    """At most three sentences about what happened."""
    heard = texts.duration(figures.heard_s)
    speech = texts.duration(figures.speech_s)
    n = figures.n_utterances
    if figures.heard_s <= 0:
        return [texts("happened.none")]
    if not n:
        return [texts("happened.silent", heard=heard)]
    if not figures.n_named:
        sentences = [texts("happened.unnamed", heard=heard, n=n, speech=speech)]
        if figures.least_certain:
            surest = max(figures.least_certain, key=lambda u: u.result.confidence or 0.0)
            sentences.append(_surest_guess(surest, texts))
        return sentences
    spoke = texts("happened.spoke", heard=heard, n=n, speech=speech, n_named=figures.n_named)
    if n == 1 and figures.n_named == 1:
        spoke = texts("happened.spoke.one", heard=heard, speech=speech)
    return [spoke, _most(figures, texts), _clearest(figures, texts)]


def _surest_guess(judged: Judged, texts: Texts) -> str:
    return texts(
        "happened.uncertain",
        label=name_of(texts.label(judged.result.best)),
        confidence=texts.probability(judged.result.confidence),
        at=time_name(judged.start_s),
    )


def _most(figures: Figures, texts: Texts) -> str:
    first, *others = figures.named
    interval = ""
    if first.of_named.has_interval:
        interval = texts("happened.most.interval", interval=texts.interval(first.of_named))
    rest = "".join(
        texts(
            "happened.most.rest",
            share=texts.percent(share.of_named.value),
            label=name_of(texts.label(share.name)),
        )
        for share in others[: _N_MOST - 1]
    )
    return texts(
        "happened.most",
        share=texts.percent(first.of_named.value),
        first=name_of(texts.label(first.name)),
        interval=interval,
        rest=rest,
    )


def _clearest(figures: Figures, texts: Texts) -> str:
    judged = figures.strongest[0]
    return texts(
        "happened.clearest",
        at=time_name(judged.start_s),
        label=name_of(texts.label(judged.result.emotion)),
        confidence=texts.probability(judged.result.confidence),
        n=figures.states[UNCERTAIN],
    )


def quality(data: SessionData, figures: Figures, texts: Texts) -> Pairs:
    """Facts about the sound and about what is missing."""
    snr = [u.result.snr_db for u in data.utterances]
    level = [u.result.level_dbfs for u in data.utterances]
    latency = [u.result.latency_ms for u in data.utterances]
    n_rejected = figures.n_utterances - figures.n_named
    none = texts("quality.none")
    pairs = [
        (
            texts("quality.snr"),
            texts(
                "quality.snr.value",
                median=texts.number(quantile(snr, 0.5), 0),
                low=texts.number(quantile(snr, 0.1), 0),
            ),
        ),
        (
            texts("quality.level"),
            texts("quality.level.value", median=texts.number(quantile(level, 0.5), 0)),
        ),
        (
            texts("quality.rejected"),
            texts("quality.rejected.value", n=n_rejected, all=figures.n_utterances),
        ),
        (
            texts("quality.gaps"),
            texts("quality.gaps.value", n=figures.n_gaps, length=texts.duration(figures.gap_s))
            if figures.n_gaps
            else none,
        ),
        (texts("quality.dropped"), str(figures.n_dropped or none)),
    ]
    if any(math.isfinite(value) for value in latency):
        median, high = (texts.number(quantile(latency, share), 0) for share in (0.5, 0.95))
        said = texts("quality.latency.value", median=median, high=high)
        pairs.append((texts("quality.latency"), said))
    if data.n_device_losses:
        pairs.append((texts("quality.losses"), texts("quality.times", n=data.n_device_losses)))
    if data.devices:
        names = ", ".join(dict.fromkeys(map(name_of, data.devices)))
        pairs.append((texts("quality.stand_in"), name_of(names)))
    if data.n_unlogged:
        pairs.append((texts("quality.unlogged"), str(data.n_unlogged)))
    if processing := _processing(data):
        pairs.append((texts("quality.processing"), processing))
    return pairs


def _processing(data: SessionData) -> str:
    """Processing of the sound by a browser, where the session tells of it."""
    found = data.started.settings.get("processing") if data.started else None
    if isinstance(found, dict):
        return name_of(", ".join(str(name) for name, is_on in found.items() if is_on))
    return name_of(found) if isinstance(found, str) else ""


def lacks(figures: Figures, texts: Texts) -> list[str]:
    """Lines about utterances without a label, and about missing time by its cause."""
    lines = [f"{texts.state(name)}: {n}" for name, n in sorted(figures.states.items())]
    for cause, (n, length_s) in sorted(figures.causes.items()):
        said = texts.word("cause", cause)
        length = texts.duration(length_s)
        lines.append(texts("quality.by_cause.row", cause=said, n=n, length=length))
    return lines


def said(data: SessionData, texts: Texts) -> list[str]:
    """Sentences of the session about its signal and outputs, each once."""
    sentences = list(dict.fromkeys(map(name_of, data.notices)))
    left = len(sentences) - _MAX_SAID
    return sentences[:_MAX_SAID] + ([texts("quality.said.more", n=left)] if left > 0 else [])


def how_to_read(facts: ModelFacts, texts: Texts) -> list[str]:
    """Sentences on how a report is to be read."""
    short = texts("how.3.unknown")
    if facts.plain_of_named is not None:
        short = texts("how.3.known", rest=texts.percent(1.0 - facts.plain_of_named))
    return [texts("how.1"), texts("how.2"), texts("how.3", plain_short=short), texts("how.4")]


def never(texts: Texts) -> list[str]:
    """Sentences on what a report must not be used for."""
    return [texts(f"how.not.{n}") for n in range(1, 5)]
