"""Every number of a report against the same number computed from the log by other means."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from long_session import long_session
from made_log import (
    AGENT,
    CALLER,
    began,
    dropped,
    final,
    gap,
    session_ended,
    stream_began,
    stream_ended,
    write_log,
)
from recomputed_report import Recomputed

from ser_live.emotions import LABELS, Emotion
from ser_live.events import Verdict
from ser_live.report.data_files import figures_json, utterances_csv
from ser_live.report.markdown import markdown
from ser_live.report.page import Report, html
from ser_live.report.reading import read_session
from ser_live.report.texts import Texts


def _call(path: Path) -> Path:
    """Two channels side by side, long enough for blocks, with gaps and drops."""
    entries = [began(), stream_began(AGENT, None), stream_began(CALLER, None)]
    emotions = [Emotion.HAPPY, Emotion.SAD, Emotion.NEUTRAL, Emotion.HAPPY, Emotion.ANGRY]
    for n in range(1, 41):
        emotion = emotions[n * n % 5]
        state = Verdict.UNCERTAIN if n % 7 == 3 else Verdict.OK
        entries.append(
            final(AGENT, n, 5.0 * n, 5.0 * n + 2.0 + n % 3, emotion, 0.5 + n / 90, state)
        )
        entries.append(final(CALLER, n, 5.0 * n + 2.5, 5.0 * n + 4.0, emotions[n % 4], 0.6))
    entries += [gap(AGENT, 207.0, 1.5), dropped(CALLER, 205.0, 207.25)]
    entries += [final(CALLER, 99, 208.0, 208.2, state=Verdict.TOO_SHORT)]
    entries += [stream_ended(AGENT, 210.0, 40), stream_ended(CALLER, 210.0, 41)]
    return write_log(path, [*entries, session_ended(420.0)])


@pytest.fixture(scope="module", params=["day", "call"])
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "call":
        return _call(folder / "call.jsonl")
    return long_session(folder / "day.jsonl", 260, length_s=2400.0, partials=1)


def _report(log: Path) -> Report:
    return Report.of(read_session(log), Texts("en"))


def _is(value: float | None, expected: float, places: float = 6e-5) -> bool:
    if value is None or math.isnan(expected):
        return value is None and math.isnan(expected)
    return abs(value - expected) <= places


def _are(found: dict[str, float | None], expected: tuple[float, float, float]) -> bool:
    pairs = zip(("value", "low", "high"), expected, strict=True)
    return all(_is(found[name], value) for name, value in pairs)


def test_the_figures_are_those_of_the_log(log: Path) -> None:
    """Times, counts, shares with their intervals, transitions, features and moments."""
    own = Recomputed(log)
    report = _report(log)
    found = json.loads(figures_json(report.data, report.figures, report.facts))
    assert _is(found["heard_s"], own.heard_s, 1e-3)
    assert _is(found["speech_s"], own.speech_s, 1e-3)
    assert found["n_utterances"] == len(own.finals)
    assert found["n_named"] == len(own.named)
    shares = {share["name"]: share for share in found["shares"]}
    n_intervals = 0
    for label in own.labels:
        share = shares[label]
        assert _is(share["time_s"], own.time_s(label), 1e-3)
        assert _is(share["of_heard"], own.time_s(label) / own.heard_s)
        assert share["n"] == sum(r["emotion"] == label for r in own.named)
        assert _are(share["of_named"], own.named_share(label)), label
        assert _are(share["mean_probability"], own.mean_probability(label)), label
        n_intervals += share["of_named"]["low"] is not None
    assert n_intervals >= 4
    for name in ("valence", "arousal"):
        assert _are(found[name], own.affect(name))
    for state in ("uncertain", "too short", "too noisy", "not speech"):
        n = sum(r["state"] == state for r in own.finals)
        assert found["states"].get(state, 0) == n
        assert (state in shares) == (n > 0)
        if n:
            assert _is(shares[state]["time_s"], own.state_s(state), 1e-3)
    silence_s = own.heard_s - own.speech_s - own.missing_s - own.dropped_s
    assert _is(shares["silence"]["time_s"], silence_s, 2e-3)
    assert sum(share["of_heard"] for share in found["shares"]) == pytest.approx(1.0, abs=1e-3)
    assert {(t["from"], t["to"]): t["n"] for t in found["transitions"]} == own.transitions()
    for feature in found["features"]:
        above, below, median = own.feature(feature["feature"])
        assert (feature["n_higher"], feature["n_lower"]) == (above, below)
        assert _is(feature["median_difference"], median)
    for name, expected in (("strongest", own.strongest()), ("least_certain", own.least_certain())):
        assert [(m["stream"], m["id"]) for m in found[name]] == expected
    assert sum(m["n"] for m in found["missing"].values()) == len(own.gaps) + len(own.drops)


class _Tables(HTMLParser):
    """Rows of all tables, and the pairs of all lists of facts."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.facts: dict[str, str] = {}
        self._cell: list[str] | None = None
        self._term = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th", "dt", "dd"):
            self._cell = []

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("td", "th", "dt", "dd") or self._cell is None:
            return
        text = "".join(self._cell).strip()
        self._cell = None
        if tag in ("td", "th"):
            self.rows[-1].append(text)
        elif tag == "dt":
            self._term = text
        else:
            self.facts[self._term] = text


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def _interval(low: float, high: float) -> str:
    return "–" if math.isnan(low) else f"{_percent(low).removesuffix('%')} to {_percent(high)}"


def test_the_page_shows_these_figures(log: Path) -> None:
    """Cell by cell: shares, transitions, features, moments, quality, and every utterance."""
    own = Recomputed(log)
    page = _Tables()
    page.feed(html(_report(log)))
    by_name = {row[0]: row for row in reversed(page.rows) if row}
    for label in own.labels:
        value, low, high = own.mean_probability(label)
        named, named_low, named_high = own.named_share(label)
        row = next(row for row in page.rows if row and row[0] == label)
        assert row[1:] == [
            _percent(value),
            "",
            _interval(low, high),
            _percent(named),
            _interval(named_low, named_high),
            _percent(own.time_s(label) / own.heard_s),
            row[7],
            str(sum(r["emotion"] == label for r in own.named)),
        ]
        assert _seconds(row[7]) == pytest.approx(own.time_s(label), abs=0.6)
    counts = own.transitions()
    head = next(row for row in page.rows if row and row[0].startswith("from"))
    for row in page.rows[page.rows.index(head) + 1 :][: len(head) - 2]:
        for other, cell in zip(head[1:-1], row[1:-1], strict=True):
            assert int(cell or 0) == counts[row[0], other]
        assert int(row[-1]) == sum(n for (one, _), n in counts.items() if one == row[0])
    for name, key in (("pitch", "f0_semitones_p50"), ("loudness", "level_dbfs_p80")):
        above, below, median = own.feature(key)
        assert by_name[name][1:4] == [str(above + below), str(above), str(below)]
        sign = "−" if round(median, 1) < 0 else "+"
        assert by_name[name][4].startswith(f"{sign}{abs(median):.1f}")
    value, low, high = own.affect("valence")
    shown = page.facts["Valence, −1 unpleasant to +1 pleasant"].replace("−", "-")
    assert [float(v) for v in re.findall(r"[+-]\d\.\d\d", shown)] == pytest.approx(
        [value, low, high], abs=0.0051
    )
    snr = [round(own.quantile("snr_db", share)) for share in (0.5, 0.1)]
    said = page.facts["Speech above noise"]
    assert [int(n) for n in re.findall(r"(\d+) dB", said)] == pytest.approx(snr, abs=1)
    assert page.facts["Not named"] == (
        f"{len(own.finals) - len(own.named)} of {len(own.finals)} utterances"
    )
    listed = page.rows[-len(own.finals) :]
    place = 4 if len(own.offsets) > 1 else 3
    for row, r in zip(listed, own.finals, strict=True):
        assert row[place - 1] == (r["emotion"] or r["state"])
        if r["confidence"] is not None and r["confidence"] < 0.99:
            assert float(row[place]) == pytest.approx(r["confidence"], abs=0.0051)


def _seconds(text: str) -> float:
    units = {"h": 3600.0, "min": 60.0, "s": 1.0}
    return sum(float(n) * units[unit] for n, unit in re.findall(r"([\d.]+) (h|min|s)\b", text))


def test_rows_for_other_programs_hold_every_utterance(log: Path) -> None:
    """The CSV that the page carries has a row for each, with its place on the session's clock."""
    import csv
    import io

    own = Recomputed(log)
    rows = list(csv.DictReader(io.StringIO(utterances_csv(read_session(log)))))
    assert [(int(r["stream"]), int(r["id"])) for r in rows] == [
        (r["stream"], r["id"]) for r in own.finals
    ]
    assert [float(r["session_s"]) for r in rows] == pytest.approx(
        [r["session_s"] for r in own.finals], abs=2e-3
    )
    for row, r in zip(rows, own.finals, strict=True):
        if r["probabilities"]:
            assert float(row["probability_sad"]) == r["probabilities"]["sad"]


def test_the_words_are_of_the_same_figures(log: Path) -> None:
    """Markdown names the most frequent label and its share, as the log has it."""
    own = Recomputed(log)
    most = max(LABELS, key=own.time_s)
    text = markdown(_report(log))
    assert f"{_percent(own.named_share(most)[0])} sounded {most}" in text
    assert f"{len(own.named)} of them could be named" in text


def test_intervals_cover_what_lasts() -> None:
    """Where moods last, the interval over blocks holds the truth in about 95 of 100 sessions."""
    import numpy as np
    from made_log import AGENT, final

    from ser_live.report.session_data import Judged
    from ser_live.report.shares import Blocks

    rng = np.random.default_rng(5)
    n_held, n_sessions = 0, 200
    template = final(AGENT, 1, 0.0, 1.0, Emotion.SAD)
    # The label stays for ten utterances or so: two states, each left with probability .1.
    utterances = [
        Judged(result=template, track=0, start_s=3.0 * n, end_s=3.0 * n + 2) for n in range(1200)
    ]
    blocks = Blocks.of(utterances, 3600.0)
    for _ in range(n_sessions):
        flips = rng.random(1200) < 0.1
        states = (np.cumsum(flips) + rng.integers(2)) % 2
        lengths = rng.uniform(1, 3, 1200)
        estimate = blocks.ratio(list(states * lengths), list(lengths))
        n_held += estimate.low <= 0.5 <= estimate.high
    assert 0.91 <= n_held / n_sessions <= 0.985
