"""A call as a page of HTML: both lanes on one clock, and the numbers of the text page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from ser_live import __version__
from ser_live.calls.call import Side
from ser_live.calls.escalations import Change
from ser_live.calls.findings import Findings, worth_hearing
from ser_live.calls.page import LEVELS, LIMITS
from ser_live.emotions import LABELS
from ser_live.events import Hearing
from ser_live.pages import charts
from ser_live.pages.colors import N_PATTERNS
from ser_live.pages.markup import name_of
from ser_live.pages.rendering import render
from ser_live.terminal.text import clock, signed

_LANE: Final = 22.0
"""Height of a lane with the room around it, in pixels, as the names beside it have."""

_BAR: Final = 14.0


@dataclass(frozen=True)
class _Table:
    columns: list[str]
    rows: list[list[str]]

    @property
    def numeric(self) -> list[int]:
        """Columns that are numbers."""
        return list(range(1, len(self.columns)))


def html_of(found: Findings) -> str:
    """The page of a call, whole in one text; it fetches nothing."""
    call = found.call
    labels = _labels(found)
    sides = ", ".join(f"{name_of(s.name)} ({LEVELS[s.level]})" for s in call.sides)
    skipped = "".join(f", {name_of(name)} (skipped)" for name in call.skipped)
    names, lanes = _lanes(found, labels)
    return render(
        "calls/call.html",
        title=name_of(call.file.replace("\\", "/").rpartition("/")[2] or call.file),
        labels=labels,
        styles=["calls/call.css"],
        lead=f"{clock(call.duration_s)}, {call.sample_rate} Hz. {sides}{skipped}.",
        findings=[f"{why[:1].upper()}{why[1:]}." for _, _, why in worth_hearing(found)],
        lane_names=names,
        lanes=lanes,
        legend=_legend(found, labels),
        caption=_caption(found),
        numbers=_numbers(found),
        shared=_shared(found),
        quarters=_quarters(found) if call.analyzed else None,
        usual=list(_usual(found)),
        changes=_changes(found),
        notes=[
            *([] if call.error is None else [f"damaged: {call.error}"]),
            *found.notes,
            *([LIMITS] if call.analyzed else []),
        ],
        ser_live=__version__,
        model=call.model,
    )


def _labels(found: Findings) -> list[str]:
    for side in found.call.analyzed:
        for result in side.results:
            if result.probabilities is not None:
                return list(result.labels)
    return list(LABELS)


def _legend(found: Findings, labels: Sequence[str]) -> list[tuple[Markup, str]]:
    named = {r.emotion for side in found.call.analyzed for r in side.results}
    return [(charts.swatch(n), name_of(lab)) for n, lab in enumerate(labels) if lab in named]


def _lanes(found: Findings, labels: Sequence[str]) -> tuple[list[str], Markup]:
    """Names of the lanes, and the lanes above each other on one clock."""
    call = found.call
    length_s = max(call.duration_s, 1e-3)
    x = charts.Scale(0.0, length_s)
    names: list[str] = []
    parts: list[str] = []
    for side in call.sides:
        top = _LANE * len(names) + (_LANE - _BAR) / 2
        names.append(name_of(side.name))
        parts += _talk(side, x, top)
        if side.level is Hearing.ANALYZE:
            names.append("emotions")
            parts += _emotions(found, side, x, top + _LANE, labels)
    height = _LANE * len(names)
    axis = charts.x_axis(x, charts.time_ticks(length_s), height)
    speakers = " and ".join(name_of(side.name) for side in call.sides)
    return names, charts.chart(
        axis,
        *parts,
        height=height + 20.0,
        title="Who spoke when",
        description=f"Time from left to right; {speakers} below each other.",
    )


def _talk(side: Side, x: charts.Scale, top: float) -> Iterator[Markup]:
    for start_s, end_s in side.spans:
        said = f"{name_of(side.name)} speaks {clock(start_s)}-{clock(end_s)}"
        yield charts.bar(x, start_s, end_s, top=top, height=_BAR, class_="talk", said=said)


def _emotions(
    found: Findings, side: Side, x: charts.Scale, top: float, labels: Sequence[str]
) -> Iterator[Markup]:
    for result in side.results:
        span = f"{clock(result.start_s, tenths=True)}-{clock(result.end_s, tenths=True)}"
        sure = "" if result.confidence is None else f" {result.confidence:.0%}"
        said = f"{span} {name_of(result.emotion or result.state.value)}{sure}"
        place = None if result.emotion is None else list(labels).index(result.emotion)
        class_ = "hollow" if place is None else f"bar e{place}"
        at = (x, result.start_s, result.end_s)
        yield charts.bar(*at, top=top, height=_BAR, class_=class_, said=said)
        if place is not None and place % N_PATTERNS:
            fill = f"url(#p{place % N_PATTERNS})"
            yield charts.bar(*at, top=top, height=_BAR, class_="pattern", said=said, fill=fill)
    for escalation in found.escalations[side.name]:
        for change, class_ in ((escalation.change, "upset"), (escalation.recovery, "better")):
            if change is not None:
                yield charts.bar(
                    x, change.start_s, change.end_s, top=top - 3, height=_BAR + 6, class_=class_
                )


def _caption(found: Findings) -> str:
    if not found.call.analyzed:
        return "Nothing but when they speak is known of those who are heard here."
    text = (
        "A box without colour is an utterance without an emotion that was sure enough; rest the "
        "pointer on a box to read it."
    )
    if any(found.escalations.values()):
        text += " A frame is an escalation, a broken one a recovery."
    return text


def _numbers(found: Findings) -> _Table:
    shares = found.measures.shares
    columns = ["measure", *(name_of(name) for name in shares)]
    rows = [
        ["talk time", *(clock(s.talk_s) for s in shares.values())],
        ["longest monologue", *(f"{s.longest_turn_s:.1f} s" for s in shares.values())],
    ]
    if len(shares) > 1:
        gaps = [s.reply_gap_s for s in shares.values()]
        rows += [
            ["share of all talk", *(f"{s.talk_share:.0%}" for s in shares.values())],
            ["turns", *(str(s.n_turns) for s in shares.values())],
            ["interrupted others", *(str(s.n_interruptions) for s in shares.values())],
            ["backchannels", *(str(s.n_backchannels) for s in shares.values())],
            ["replied after (median)", *("-" if g is None else f"{g:.1f} s" for g in gaps)],
        ]
    return _Table(columns, rows)


def _shared(found: Findings) -> list[tuple[str, str]]:
    """Numbers of both sides together; none where one was skipped."""
    if found.call.skipped:
        return []
    m = found.measures
    facts = [("silence", f"{m.silence_share:.0%}"), ("both at once", f"{m.overlap_share:.0%}")]
    if (longest := m.longest_silence) is not None:
        text = f"{longest[1] - longest[0]:.1f} s at {clock(longest[0])}"
        facts.append(("longest silence", text))
    if m.long_silences:
        spans = ", ".join(f"{clock(start)}-{clock(end)}" for start, end in m.long_silences)
        facts.append(("nobody spoke for 10 s or more", spans))
    return facts


def _quarters(found: Findings) -> _Table:
    quarters = found.quarters
    rows = []
    names = list(found.measures.shares)
    if len(names) > 1:
        for name in names:
            totals = [sum(q.talk_s.values()) for q in quarters]
            rows.append(
                [
                    f"{name_of(name)}: share of talk",
                    *(
                        f"{q.talk_s[name] / total:.0%}" if total else "-"
                        for q, total in zip(quarters, totals, strict=True)
                    ),
                ]
            )
    for side in found.call.analyzed:
        name, voices = name_of(side.name), [q.voices[side.name] for q in quarters]
        rows += [
            [f"{name}: valence, -1 to +1", *(_signed(v.valence, 2) for v in voices)],
            [f"{name}: arousal, -1 to +1", *(_signed(v.arousal, 2) for v in voices)],
            [f"{name}: louder, dB", *(_signed(v.louder_db, 1) for v in voices)],
            [f"{name}: faster, syllables/s", *(_signed(v.faster_per_s, 1) for v in voices)],
        ]
    return _Table(["measure", *(f"from {clock(q.start_s)}" for q in quarters)], rows)


def _usual(found: Findings) -> Iterator[str]:
    for name, baseline in found.baselines.items():
        if baseline is None:
            too_little = f"Too little of {name_of(name)} was judged to know what is usual"
            yield f"{too_little}: none was looked for."
            continue
        yield (
            f"Usual for {name_of(name)} in this call: valence {signed(baseline.valence, 2)} ± "
            f"{baseline.valence_sd:.2f}, arousal {signed(baseline.arousal, 2)} ± "
            f"{baseline.arousal_sd:.2f}, over {baseline.n_utterances} utterances."
        )
        if not found.escalations[name]:
            yield f"No escalation of {name_of(name)} was found."


def _changes(found: Findings) -> _Table:
    rows = []
    for name, escalations in found.escalations.items():
        for escalation in escalations:
            rows.append(_change(f"{name_of(name)}: escalation", escalation.change))
            if escalation.recovery is not None:
                rows.append(_change(f"{name_of(name)}: recovery", escalation.recovery))
    columns = ["stretch", "from", "to", "utterances", "speech", "valence", "arousal", "confidence"]
    return _Table(columns, rows)


def _change(name: str, change: Change) -> list[str]:
    return [
        name,
        clock(change.start_s),
        clock(change.end_s),
        str(len(change.ids)),
        f"{change.speech_s:.0f} s",
        f"{signed(change.valence, 2)} ({signed(change.valence_z, 1)} SD)",
        f"{signed(change.arousal, 2)} ({signed(change.arousal_z, 1)} SD)",
        f"{change.confidence:.2f}" if math.isfinite(change.confidence) else "unknown",
    ]


def _signed(value: float, digits: int) -> str:
    return signed(value, digits) if math.isfinite(value) else "-"
