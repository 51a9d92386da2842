"""Sections about strangers: their plain talk, and how far answers about them can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ser_live.datasets.everyday import is_everyday
from ser_live.evaluation.reporting.page_sections import interval, number, table

Json = Mapping[str, Any]


def corpora_in_words(corpora: Sequence[str]) -> list[str]:
    """Names of corpora, the sources of everyday speech as one."""
    acted = [name for name in corpora if not is_everyday(name)]
    n = len(corpora) - len(acted)
    return [*acted, *([f"everyday speech of {n} sources"] if n else [])]


def plain_talk(score: Json | None) -> list[str]:
    """Answers about people who act nothing, by source and by kind."""
    if score is None or not score.get("everyday"):
        return []
    found = score["everyday"]
    rows = [
        (
            name,
            one["kind"],
            one["language"],
            str(one["n"]),
            str(one["n_speakers"]),
            number(one["named"]),
            f"**{number(one['plain_of_named'])}**",
            interval(one["plain_of_named_interval"]),
            number(one["surely_else"]),
            number(one["auc"]),
        )
        for name, one in found["sources"].items()
    ]
    rows.append(
        (
            *("mean", "", "", "", ""),
            number(found["mean_named"]),
            f"**{number(found['mean_plain_of_named'])}**",
            "",
            number(found["mean_surely_else"]),
            number(found["mean_auc"]),
        )
    )
    kinds = [
        (
            kind,
            number(one["named"]),
            number(one["plain_of_named"]),
            number(one["surely_else"]),
            number(one["auc"]),
        )
        for kind, one in found["by_kind"].items()
    ]
    return [
        "### Plain talk of strangers\n",
        "People who act nothing: they read, talk, telephone. Every source was left out whole, with "
        "its microphones and language, and judged under the prior `everyday`, as when listening. "
        "*named*: the share of utterances that get an emotion; *plain*: the share of these that is "
        "neutral or calm; *surely else*: the share of all utterances named something else at .70 "
        "or surer; *AUC*: the chance that an acted emotion of a corpus left out as well sounds "
        "more expressive than an utterance of the source, the mean over the corpora (.5 is "
        "chance).\n",
        table(
            (
                *("source", "kind", "language", "utterances", "speakers", "named", "plain"),
                *("95 %", "surely else", "AUC"),
            ),
            rows,
        ),
        table(("kind", "named", "plain", "surely else", "AUC"), kinds),
    ]


def confidence_of_strangers(score: Json | None) -> list[str]:
    """Calibration on each corpus left out."""
    if score is None or not all("ece" in one for one in score["corpora"].values()):
        return []
    rows = [
        (
            name,
            number(one["ece"]),
            number(one["sure_share"]),
            _right_of(one),
            _right_of(one["everyday"]),
            number(one["uar"]),
            number(one["everyday_prior_uar"]),
        )
        for name, one in score["corpora"].items()
    ]
    edges = sorted(
        {
            (part["low"], part["high"])
            for one in score["corpora"].values()
            for part in one["reliability"]
        }
    )
    bins = []
    for name, one in score["corpora"].items():
        by_low = {part["low"]: part for part in one["reliability"]}
        parts = [by_low.get(low) for low, _ in edges]
        cells = ("" if p is None else f"{number(p['accuracy'])} ({p['n']})" for p in parts)
        bins.append((name, *cells))
    return [
        "### Confidence with strangers\n",
        "The same corpora left out, all eight labels, an utterance each: the calibration error, "
        "how many answers are .90 or surer and how many of those are right, and the UAR with equal "
        "base rates and under `everyday`, where calm is as right as neutral.\n",
        table(
            (
                *("corpus", "calibration error", "≥ .90", "of these right"),
                *("the same, everyday", "UAR", "UAR, everyday"),
            ),
            rows,
        ),
        "Share right by confidence (number of answers):\n",
        table(("corpus", *(f"{low:.1f}–{high:.1f}" for low, high in edges)), bins),
        *_selective(score["selective"]),
    ]


def _right_of(sure: Json) -> str:
    return f"{number(sure['sure_right'])} of {sure['n_sure']}" if sure["n_sure"] else "none"


def _selective(found: Json) -> list[str]:
    """Error by how much is answered."""
    named, threshold = found["named"], found["threshold"]
    reached = (
        f"A threshold for at most {threshold['max_error']:.0%} wrong, chosen on the other corpora, "
        f"is {number(threshold['threshold'])} on average: it answers "
        f"{threshold['coverage']:.0%} and is wrong in {threshold['error']:.0%} of them."
        if threshold["error"] is not None
        else f"No threshold chosen on the other corpora leaves answers with at most "
        f"{threshold['max_error']:.0%} wrong."
    )
    return [
        f"Of {found['n']} utterances of all these corpora together, the surest answers are wrong "
        "this often:\n",
        table(
            ("answered", *(f"{one['coverage']:.0%}" for one in found["coverage"])),
            [("wrong", *(f"{one['error']:.0%}" for one in found["coverage"]))],
        ),
        f"From {number(named['below'])} up an emotion is named: {named['share']:.0%} of the "
        f"utterances, and {number(named['error'])} of these names are wrong. {reached}\n",
    ]


def sessions_of_strangers(score: Json | None) -> list[str]:
    """Gain of strangers from having their voice learned while they speak."""
    if score is None:
        return []
    rows = [
        (name, _SESSION_KINDS[kind], "UAR", *_gain(part, "uar"))
        for name, one in score["corpora"].items()
        for kind, part in (one.get("sessions") or {}).items()
        if part
    ]
    talk = (score.get("everyday") or {}).get("sessions") or {}
    rows += [
        (name, "plain talk", text, *_gain(part, key))
        for name, part in talk.items()
        if part
        for key, text in (("plain_of_named", "plain of named"), ("surely_else", "surely else"))
    ]
    if not rows:
        return []
    return [
        "### Learning a stranger's voice\n",
        "Speakers of what was left out, from their fifth utterance on: what is answered with their "
        "past, as when listening, and what of the same utterances alone.\n",
        table(
            ("who", "session", "what", "utterances", "speakers", "alone", "with past", "gain"),
            rows,
        ),
    ]


_SESSION_KINDS = {"balanced": "every utterance once", "mostly_neutral": "four of five neutral"}


def _gain(part: Json, key: str) -> tuple[str, ...]:
    found = part[key]
    gain = found["gain"]
    return (
        str(part["n"]),
        str(part["n_speakers"]),
        number(found["alone"]),
        f"**{number(found['with_past'])}**",
        "–" if gain is None else f"{gain:+.3f} {interval(found['interval'])}",
    )


def refused(score: Json | None) -> list[str]:
    """Talk in conversations that got no answer."""
    if score is None:
        return []
    everything = {name: one["shares"] for name, one in score["conversations"].items()}
    everything["all"] = score["shares"]
    fates = sorted({fate for shares in everything.values() for fate in shares})
    return [
        "### Talk that is refused\n",
        f"{score['speech_s']:.0f} s of published speech in {len(score['conversations'])} "
        "recordings of conversations, heard as streams by the shipped model, which was not trained "
        "on them: shares by what became of it.\n",
        table(
            ("recording", *fates),
            [
                (name, *(number(shares.get(fate)) for fate in fates))
                for name, shares in everything.items()
            ],
        ),
    ]
