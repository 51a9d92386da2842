"""A call on a page of text, 80 columns wide: lanes, numbers, escalations, limits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from ser_live.calls.call import Side
from ser_live.calls.escalations import Change, Escalation
from ser_live.calls.findings import Findings
from ser_live.calls.measures import LONG_SILENCE_S, Span, clipped
from ser_live.events import Hearing
from ser_live.terminal.text import clock, fold, pad, printable, signed

WIDTH = 80
_NAME: Final = 12
_LANE = WIDTH - _NAME - 2

LEVELS: Final = {
    Hearing.ANALYZE: "analyzed",
    Hearing.ACTIVITY: "only when they speak",
    Hearing.SKIP: "skipped",
}

LIMITS = (
    "Emotions come from a model trained on acted speech; of strangers' everyday talk much is "
    "misjudged. It diagnoses nobody, and is not for judging workers or students."
)


def page_of(found: Findings, *, ascii_only: bool = False) -> str:
    """Lay a call out as whole lines of at most 80 columns; every line is safe to print."""
    lines = [*_head(found), "", *_lanes(found), "", *_numbers(found)]
    if found.call.analyzed:
        lines += ["", *_quarters(found), "", *_escalations(found)]
    for note in found.notes:
        lines += fold(f"! {printable(note)}", WIDTH, indent=2)
    if found.call.analyzed:
        lines += fold(LIMITS, WIDTH)
    return "".join(f"{printable(line, ascii_only=ascii_only).rstrip()}\n" for line in [*lines, ""])


def _head(found: Findings) -> Iterator[str]:
    call = found.call
    name = printable(call.file)
    yield from fold(f"{name}  {clock(call.duration_s)}, {call.sample_rate} Hz", WIDTH, indent=2)
    sides = [f"{side.name} ({_place(side)}{LEVELS[side.level]})" for side in call.sides]
    sides += [f"{name} (skipped)" for name in call.skipped]
    yield from fold(printable(" · ".join(sides)), WIDTH, indent=2)
    if call.error is not None:
        yield from fold(f"! damaged: {printable(call.error)}", WIDTH, indent=2)


def _place(side: Side) -> str:
    return "" if side.channel is None else f"channel {side.channel + 1}, "


def _lanes(found: Findings) -> Iterator[str]:
    """Time from left to right: who speaks, and how the analyzed ones sound."""
    call = found.call
    step_s = max(call.duration_s, 1e-3) / _LANE
    n_ticks = 5
    ticks = ""
    for k in range(n_ticks):
        at = round(k * _LANE / n_ticks)
        ticks += " " * (at - len(ticks)) + clock(call.duration_s * k / n_ticks)
    yield f"{'':{_NAME}}  {ticks}"
    for side in call.sides:
        yield f"{pad(side.name, _NAME)}  {_speech_row(side.spans, step_s)}"
        if side.level is Hearing.ANALYZE:
            yield f"{'':{_NAME}}  {_emotion_row(side, step_s)}"
            marks = _mark_row(found.escalations[side.name], step_s)
            if marks.strip():
                yield f"{'':{_NAME}}  {marks}"
    initials = _initials(found)
    if initials:
        legend = ", ".join(f"{sign} {label}" for sign, label in initials.items())
        legend = f"{legend}, ? none named"
        if any(found.escalations.values()):
            legend += "; ! escalation, + recovery"
        yield from fold(printable(legend), WIDTH, indent=2)


def _speech_row(spans: Sequence[Span], step_s: float) -> str:
    row = ""
    for column in range(_LANE):
        inside = clipped(spans, column * step_s, (column + 1) * step_s)
        share = sum(end - start for start, end in inside) / step_s
        row += " " if share < 0.05 else "·" if share < 0.35 else "▪" if share < 0.75 else "█"
    return row


def _sign(label: str | None) -> str:
    return "?" if label is None else printable(label)[:1] or "?"


def _initials(found: Findings) -> dict[str, str]:
    """Labels that were named, by their sign in the lanes."""
    named: dict[str, str] = {}
    for side in found.call.analyzed:
        for result in side.results:
            if result.emotion is None:
                continue
            sign = _sign(result.emotion)
            others = named.get(sign, "").split("/") if sign in named else []
            if result.emotion not in others:
                named[sign] = "/".join([*others, result.emotion])
    return dict(sorted(named.items()))


def _emotion_row(side: Side, step_s: float) -> str:
    row = [" "] * _LANE
    for result in side.results:
        first = min(_LANE - 1, int(result.start_s / step_s))
        last = min(_LANE - 1, max(first, math.ceil(result.end_s / step_s) - 1))
        for column in range(first, last + 1):
            if row[column] == " ":
                row[column] = _sign(result.emotion)
    return "".join(row)


def _mark_row(escalations: Sequence[Escalation], step_s: float) -> str:
    row = [" "] * _LANE
    for escalation in escalations:
        for change, sign in ((escalation.change, "!"), (escalation.recovery, "+")):
            if change is None:
                continue
            last = min(_LANE, math.ceil(change.end_s / step_s))
            for column in range(min(_LANE - 1, int(change.start_s / step_s)), last):
                row[column] = sign
    return "".join(row)


def _numbers(found: Findings) -> Iterator[str]:
    """Talk times, turns, interruptions and reply gaps, a column for each side."""
    m = found.measures
    names = list(m.shares)
    yield _row("", [printable(name) for name in names])
    yield _row("talk time", [clock(s.talk_s) for s in m.shares.values()])
    if len(names) > 1:
        yield _row("share of talk", [_percent(s.talk_share) for s in m.shares.values()])
        yield _row("turns", [str(s.n_turns) for s in m.shares.values()])
    yield _row("longest monologue", [f"{s.longest_turn_s:.1f} s" for s in m.shares.values()])
    if len(names) > 1:
        yield _row("interrupted others", [str(s.n_interruptions) for s in m.shares.values()])
        yield _row("backchannels", [str(s.n_backchannels) for s in m.shares.values()])
        gaps = [s.reply_gap_s for s in m.shares.values()]
        texts = ["-" if gap is None else f"{gap:.1f} s" for gap in gaps]
        yield _row("replied after", texts, "median")
    if found.call.skipped:
        return
    silence = f"silence {_percent(m.silence_share)}"
    if (longest := m.longest_silence) is not None:
        silence += f" (longest {longest[1] - longest[0]:.1f} s at {clock(longest[0])})"
    yield f"{silence}, both at once {_percent(m.overlap_share)}"
    if m.long_silences:
        spans = ", ".join(f"{clock(start)}-{clock(end)}" for start, end in m.long_silences)
        yield from fold(
            f"nobody spoke for {LONG_SILENCE_S:.0f} s or more: {spans}", WIDTH, indent=2
        )


def _quarters(found: Findings) -> Iterator[str]:
    quarters = found.quarters
    yield _row("quarter of the call", [str(n) for n in range(1, len(quarters) + 1)])
    yield _row("begins at", [clock(q.start_s) for q in quarters])
    names = list(found.measures.shares)
    if len(names) > 1:
        for name in names:
            total = [sum(q.talk_s.values()) for q in quarters]
            shares = [
                _percent(q.talk_s[name] / t) if t else "-"
                for q, t in zip(quarters, total, strict=True)
            ]
            yield _row(f"{printable(name)} talks", shares, "of the talk")
    for side in found.call.analyzed:
        name = printable(side.name)
        voices = [q.voices[side.name] for q in quarters]
        rows = [
            ("pleasant", [v.valence for v in voices], 2, "valence, -1 to +1"),
            ("excited", [v.arousal for v in voices], 2, "arousal, -1 to +1"),
            ("louder", [v.louder_db for v in voices], 1, "dB against the whole"),
            ("faster", [v.faster_per_s for v in voices], 1, "syllables/s likewise"),
        ]
        for word, values, digits, unit in rows:
            yield _row(f"{name} {word}", [_signed(value, digits) for value in values], unit)


def _escalations(found: Findings) -> Iterator[str]:
    for name, escalations in found.escalations.items():
        baseline = found.baselines[name]
        if baseline is None:
            continue
        usual = (
            f"usual for {printable(name)} in this call: valence {signed(baseline.valence, 2)} ± "
            f"{baseline.valence_sd:.2f}, arousal {signed(baseline.arousal, 2)} ± "
            f"{baseline.arousal_sd:.2f}"
        )
        yield from fold(usual, WIDTH, indent=2)
        if not escalations:
            yield f"no escalation of {printable(name)} was found"
        for escalation in escalations:
            yield from fold(_told("escalation", escalation.change), WIDTH, indent=2)
            if escalation.recovery is None:
                yield "  no recovery was found after it"
            else:
                yield from fold(f"  {_told('recovery', escalation.recovery)}", WIDTH, indent=4)


def _told(what: str, change: Change) -> str:
    return (
        f"{what} {clock(change.start_s)}-{clock(change.end_s)}: {len(change.ids)} utterances, "
        f"{change.speech_s:.0f} s of speech; valence {signed(change.valence, 2)} "
        f"({signed(change.valence_z, 1)} SD), arousal {signed(change.arousal, 2)} "
        f"({signed(change.arousal_z, 1)} SD), {_signed(change.louder_db, 1)} dB; "
        f"confidence {_plain(change.confidence)}"
    )


def _row(name: str, cells: Sequence[str], unit: str = "") -> str:
    return f"{pad(name, 22)}{''.join(pad(cell, 9, right=True) for cell in cells)}  {unit}"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _signed(value: float, digits: int) -> str:
    return signed(value, digits) if math.isfinite(value) else "-"


def _plain(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "unknown"
