"""The report of one session as Markdown: the same words and tables, without drawings."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ser_live import __version__
from ser_live.pages.markup import name_of, shown
from ser_live.report import tables, wording
from ser_live.report.page import Report
from ser_live.report.tables import Table

_MARKUP = "\\`*_[]<>|#"
"""Characters that mean something in Markdown."""


def markdown(report: Report) -> str:
    """The report as Markdown: the same words and tables, without drawings."""
    data, figures, texts = report.data, report.figures, report.texts
    parts = [f"# {_md(wording.heading(data, texts))}", ""]
    if report.is_redacted:
        parts += [texts("redacted"), ""]
    about = wording.about(data, figures, report.facts, texts)
    parts += [f"- **{_md(name)}**: {_md(value)}" for name, value in about]
    parts += markdown_section(
        texts("section.happened"), [" ".join(wording.happened(figures, texts))]
    )
    trust = wording.trust(report.facts, len(figures.labels), texts)
    parts += markdown_section(texts("section.model"), trust)
    parts += markdown_table(texts("section.shares"), tables.shares(figures, texts))
    lines = [texts("affect.none")]
    if math.isfinite(figures.valence.value):
        lines = [
            f"{texts(f'affect.facts.{n}')}: {texts.number(e.value, signed=True)} "
            f"({texts.interval(e, percent=False)})"
            for n, e in (("valence", figures.valence), ("arousal", figures.arousal))
        ]
    parts += markdown_section(texts("section.affect"), lines)
    for name, table in (
        ("transitions", tables.transitions(figures, texts)),
        ("voice", tables.voice(figures, texts)),
        ("remarks", tables.remarks(data, texts)),
        ("corrections", tables.corrections(data, figures, texts)),
    ):
        if table is not None:
            parts += markdown_table(texts(f"section.{name}"), table)
    several = len(data.parts) > 1
    for caption, found in (
        (texts("moments.strongest"), figures.strongest),
        (texts("moments.least"), figures.least_certain),
    ):
        if found:
            parts += markdown_table(caption, tables.moments(found, "", several, texts))
    parts += markdown_section(
        texts("section.quality"),
        [f"{k}: {v}" for k, v in wording.quality(data, figures, texts)]
        + wording.lacks(figures, texts)
        + wording.said(data, texts)
        + [name_of(sentence) for sentence in data.sentences],
    )
    if data.n_unread:
        parts += [f"- {texts('remarks.unread', n=data.n_unread)}"]
    parts += markdown_section(texts("section.how"), wording.how_to_read(report.facts, texts))
    parts += markdown_section(texts("how.not"), wording.never(texts))
    return "\n".join([*parts, "", texts("made", version=__version__).split(". ")[0] + ".", ""])


def markdown_section(title: str, lines: Sequence[str]) -> list[str]:
    """Lines of a section: a heading and a list."""
    return ["", f"## {_md(title)}", "", *(f"- {_md(line)}" for line in lines)]


def markdown_table(title: str, table: Table, *, with_caption: bool = True) -> list[str]:
    """Lines of a section that is a table."""
    head = "| " + " | ".join(map(_md, table.columns)) + " |"
    places = range(len(table.columns))
    rule = "|" + "|".join(" ---: " if n in table.numeric else " --- " for n in places) + "|"
    rows = ["| " + " | ".join(map(_md, row)) + " |" for row in table.rows]
    caption = [_md(table.caption), ""] if table.caption and with_caption else []
    notes = [item for note in table.notes for item in ("", _md(note))]
    return ["", f"## {_md(title)}", "", *caption, head, rule, *rows, *notes]


def _md(text: str) -> str:
    """A text of one line in which nothing is markup; names come from outside."""
    return "".join(f"\\{c}" if c in _MARKUP else c for c in shown(text))
