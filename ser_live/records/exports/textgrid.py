"""Praat's TextGrid, in its long text form."""

from __future__ import annotations

from collections.abc import Iterator

from ser_live.records.exports.tiers import Tier, tiers
from ser_live.records.exports.timeline import Timeline

_HEAD = """\
File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = {length}
tiers? <exists>
size = {n_tiers}
item []:
"""


def textgrid(timeline: Timeline) -> Iterator[str]:
    """A tier of intervals for each stream, empty where nothing was said; marks are points."""
    found = tiers(timeline)
    length_ms = max(timeline.length_ms, 1)  # Praat refuses a grid without any length
    yield _HEAD.format(length=_s(length_ms), n_tiers=len(found))
    for number, tier in enumerate(found, start=1):
        yield f"    item [{number}]:\n"
        yield from _points(tier, length_ms) if tier.has_marks else _intervals(tier, length_ms)


def _tier_head(kind: str, tier: Tier, length_ms: int) -> str:
    return (
        f'        class = "{kind}"\n        name = {_quoted(tier.name)}\n'
        f"        xmin = 0\n        xmax = {_s(length_ms)}\n"
    )


def _intervals(tier: Tier, length_ms: int) -> Iterator[str]:
    rows: list[tuple[int, int, str]] = []
    at_ms = 0
    for piece in tier.pieces:
        if piece.start_ms > at_ms:
            rows.append((at_ms, piece.start_ms, ""))
        rows.append((piece.start_ms, piece.end_ms, piece.label))
        at_ms = piece.end_ms
    if at_ms < length_ms:
        rows.append((at_ms, length_ms, ""))
    yield _tier_head("IntervalTier", tier, length_ms)
    yield f"        intervals: size = {len(rows)}\n"
    for number, (start_ms, end_ms, text) in enumerate(rows, start=1):
        yield (
            f"        intervals [{number}]:\n            xmin = {_s(start_ms)}\n"
            f"            xmax = {_s(end_ms)}\n            text = {_quoted(text)}\n"
        )


def _points(tier: Tier, length_ms: int) -> Iterator[str]:
    yield _tier_head("TextTier", tier, length_ms)
    yield f"        points: size = {len(tier.pieces)}\n"
    for number, piece in enumerate(tier.pieces, start=1):
        yield (
            f"        points [{number}]:\n            number = {_s(piece.start_ms)}\n"
            f"            mark = {_quoted(piece.label)}\n"
        )


def _s(position_ms: int) -> str:
    return f"{position_ms / 1000:.3f}"


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
