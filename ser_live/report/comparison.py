"""Sessions side by side, with the differences of the others from the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ser_live import __version__
from ser_live.pages.markup import name_of
from ser_live.pages.rendering import render
from ser_live.records.json_line import json_line
from ser_live.report import wording
from ser_live.report.data_files import estimate_record, figures_record
from ser_live.report.figures import amounts_of
from ser_live.report.markdown import markdown_section, markdown_table
from ser_live.report.page import Report
from ser_live.report.shares import Estimate, difference
from ser_live.report.tables import Table
from ser_live.report.texts import Texts
from ser_live.report.timeline_chart import panels


@dataclass(frozen=True, slots=True)
class _Measure:
    """One measure of every session, and how the others differ from the first."""

    kind: str
    """``probability``, ``named``, ``valence`` or ``arousal``."""
    name: str
    """The label, or the measure itself."""
    values: list[Estimate]
    differences: list[Estimate]


def _measures(reports: Sequence[Report]) -> list[_Measure]:
    labels = tuple(dict.fromkeys(label for report in reports for label in report.figures.labels))
    wanted = [("probability", label) for label in labels]
    wanted += [("named", label) for label in labels]
    wanted += [("valence", "valence"), ("arousal", "arousal")]
    return [_measure(reports, kind, name) for kind, name in wanted]


def _measure(reports: Sequence[Report], kind: str, name: str) -> _Measure:
    ends = (-1.0, 1.0) if kind == name else (0.0, 1.0)
    values, parts = [], []
    for report in reports:
        amounts, weights = amounts_of(report.data.utterances, kind, name)
        if kind != name and name not in report.figures.labels:
            # A model that does not know a label says nothing about it, not even 0.
            weights = [0.0] * len(weights)
        blocks = report.figures.blocks
        values.append(blocks.ratio(amounts, weights, lowest=ends[0], highest=ends[1]))
        parts.append(blocks.with_error(amounts, weights))
    return _Measure(kind, name, values, [difference(parts[0], other) for other in parts[1:]])


def html(reports: Sequence[Report]) -> str:
    """The page, whole in one text."""
    texts = reports[0].texts
    labels = tuple(dict.fromkeys(label for report in reports for label in report.figures.labels))
    return render(
        "report/comparison.html",
        title=texts("title.compare", n=len(reports)),
        language=texts.language,
        labels=labels,
        styles=["report/report.css"],
        t=texts,
        ser_live=__version__,
        is_redacted=any(report.is_redacted for report in reports),
        warnings=_warnings(reports, texts),
        facts=_facts(reports, texts),
        measures=_tables(reports, texts),
        timelines=[
            (
                f"{texts('compare.session', n=n)}: {wording.heading(report.data, texts)}",
                panels(report.data, texts),
            )
            for n, report in enumerate(reports, start=1)
        ],
        never=wording.never(texts),
        how=wording.how_to_read(reports[0].facts, texts),
    )


def markdown(reports: Sequence[Report]) -> str:
    """The same words and tables as Markdown."""
    texts = reports[0].texts
    parts = [f"# {texts('title.compare', n=len(reports))}", ""]
    parts += [sentence + "\n" for sentence in _warnings(reports, texts)]
    for table in (_facts(reports, texts), *_tables(reports, texts)):
        parts += markdown_table(table.caption, table, with_caption=False)
    parts += markdown_section(texts("how.not"), wording.never(texts))
    return "\n".join([*parts, ""])


def figures_json(reports: Sequence[Report]) -> str:
    """Every figure of every session, and the differences, as one line of JSON."""
    record = {
        "type": "session_comparison",
        "sessions": [figures_record(r.data, r.figures, r.facts) for r in reports],
        "differences_from_the_first": [
            {
                "measure": measure.kind,
                "name": measure.name,
                "differences": [estimate_record(d) for d in measure.differences],
            }
            for measure in _measures(reports)
        ],
    }
    return json_line(record) + "\n"


def _warnings(reports: Sequence[Report], texts: Texts) -> list[str]:
    started = [report.data.started for report in reports]
    models = {(s.model_sha256, repr(s.settings)) for s in started if s is not None}
    speakers = {s.speaker for s in started if s is not None}
    sentences = [texts("compare.intro")]
    if len(models) > 1:
        sentences.append(texts("compare.models"))
    if len(speakers) > 1 or None in speakers:
        sentences.append(texts("compare.speakers"))
    return sentences


def _facts(reports: Sequence[Report], texts: Texts) -> Table:
    # One row, whether a session has one source or several.
    several, one = texts("about.devices"), texts("about.device")
    columns = [
        {
            one if name == several else name: value
            for name, value in wording.about(report.data, report.figures, report.facts, texts)
        }
        for report in reports
    ]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = [(name, *(column.get(name, "–") for column in columns)) for name in names]
    heads = tuple(texts("compare.session", n=n) for n in range(1, len(reports) + 1))
    return Table(caption=texts("compare.facts"), columns=(texts("compare.row"), *heads), rows=rows)


def _tables(reports: Sequence[Report], texts: Texts) -> list[Table]:
    measures = _measures(reports)
    n = len(reports)
    columns = (
        texts("compare.row"),
        *(texts("compare.session", n=k) for k in range(1, n + 1)),
        *(texts("compare.diff_of", n=k) for k in range(2, n + 1)),
    )
    found = []
    for caption, kinds in (
        (texts("compare.shares"), ("probability",)),
        (texts("compare.named"), ("named",)),
        (texts("section.affect"), ("valence", "arousal")),
    ):
        rows = [_row(m, texts) for m in measures if m.kind in kinds]
        numeric = tuple(range(1, len(columns)))
        found.append(Table(caption=caption, columns=columns, rows=rows, numeric=numeric))
    return found


def _row(measure: _Measure, texts: Texts) -> tuple[str, ...]:
    is_affect = measure.kind == measure.name
    name = texts(f"affect.{measure.name}") if is_affect else name_of(texts.label(measure.name))
    return (
        name,
        *(_with_interval(e, texts, percent=not is_affect) for e in measure.values),
        *(_difference(e, texts, percent=not is_affect) for e in measure.differences),
    )


def _with_interval(estimate: Estimate, texts: Texts, *, percent: bool) -> str:
    value = texts.number(estimate.value, 2, signed=True)
    if percent:
        value = texts.percent(estimate.value)
    if not estimate.has_interval:
        return value
    return texts(
        "compare.difference", value=value, interval=texts.interval(estimate, percent=percent)
    )


def _difference(estimate: Estimate, texts: Texts, *, percent: bool) -> str:
    """A difference; shares in points of a hundred."""
    scale, digits = (100.0, 0) if percent else (1.0, 2)
    value = texts.number(estimate.value * scale, digits, signed=True)
    if not estimate.has_interval:
        return value
    low, high = (
        texts.number(v * scale, digits, signed=True) for v in (estimate.low, estimate.high)
    )
    return texts("compare.difference", value=value, interval=texts("interval", low=low, high=high))
