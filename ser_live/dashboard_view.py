"""The dashboard as text: `DashboardState` in, exactly `height` lines out.

Every line is composed cell by cell, so nothing can wrap, scroll or push what stands
beside it. Names, numbers and signs carry the meaning; colour only repeats it. Where a
terminal shows ASCII alone, bars are drawn with ``#`` and ``-``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.text import Text

from ser_live.dashboard_state import DashboardState, TimelineEntry
from ser_live.emotions import COLORS, EMOTIONS, State
from ser_live.terminal_text import clock, fit, pad, printable, wrap

WIDE = 76
"""Width in cells from which the timeline stands beside the bars."""
TALL = 32
"""Height in lines from which session shares get bars of their own."""

_METER_FLOOR_DBFS = -70.0
_CLIPPING_DBFS = -0.1
_DIM = "dim"
_WARN = "bold yellow"
_HINTS = {
    State.TOO_SHORT: "too little speech to judge",
    State.TOO_QUIET: "too quiet to judge: come closer to the microphone",
    State.CLIPPED: "overdriven: lower the microphone's gain",
    State.TOO_NOISY: "the voice hardly stands out of the background",
}


@dataclass(frozen=True)
class _Signs:
    """The characters drawn with."""

    full: str
    half: str
    track: str
    peak: str
    noise: str
    rule: str
    on: str
    off: str
    alert: str
    dot: str
    ellipsis: str


_UNICODE = _Signs("━", "╸", "─", "┃", "┊", "─", "●", "○", "▲", " · ", "…")
_ASCII = _Signs("#", "", "-", "|", ":", "-", "*", "o", "!", ", ", "~")


def confidence_in_words(probability: float) -> str:
    """What a calibrated probability of the winning emotion means, in words."""
    if probability >= 0.85:
        return "very sure"
    if probability >= 0.65:
        return "sure"
    return "fairly sure" if probability >= 0.50 else "a weak lead"


def render(state: DashboardState, width: int, height: int, *, ascii_only: bool = False) -> Text:
    """The whole dashboard as `height` lines of at most `width` cells."""
    lines = _View(state, width, ascii_only).lines(height)
    for line in lines:
        line.truncate(width, overflow="crop")
        line.no_wrap = True
    lines += [Text("")] * (height - len(lines))
    return Text("\n", no_wrap=True, overflow="crop", end="").join(lines[:height])


class _View:
    """One drawing of one state; lives for the length of a call."""

    def __init__(self, state: DashboardState, width: int, ascii_only: bool) -> None:
        self.state = state
        self.width = width
        self.ascii_only = ascii_only
        self.signs = _ASCII if ascii_only else _UNICODE

    # -- the whole

    def lines(self, height: int) -> list[Text]:
        inner = max(1, self.width - 2)
        top = [self._header(inner), self._meter(inner)]
        notices = self._notices(inner, 2 if height >= 20 else 1)
        foot = [self._health(inner)]
        if height >= 20:
            rule = Text(self.signs.rule * inner, _DIM)
            top.append(rule)
            foot.insert(0, rule)
        room = height - len(top) - len(notices) - len(foot)
        body = self._wide(inner, room) if self.width >= WIDE else self._narrow(inner, room)
        body = body[: max(0, room)]
        body += [Text("")] * (room - len(body))
        return [_indented(line) for line in [*top, *notices, *body, *foot]]

    def _wide(self, width: int, height: int) -> list[Text]:
        right_width = min(50, max(33, width * 2 // 5))
        left_width = width - right_width - 3
        left = self._left(left_width, height)
        right = self._timeline(right_width, height)
        gap = Text.assemble(" ", ("│" if not self.ascii_only else "|", _DIM), " ")
        rows = []
        for k in range(height):
            row = left[k].copy() if k < len(left) else Text("")
            row.truncate(left_width, overflow="crop", pad=True)
            row.append_text(gap)
            if k < len(right):
                row.append_text(right[k])
            rows.append(row)
        return rows

    def _narrow(self, width: int, height: int) -> list[Text]:
        rows = self._left(width, height)
        room = height - len(rows)
        if room >= 2:
            rows += self._timeline(width, room)
        return rows

    def _left(self, width: int, height: int) -> list[Text]:
        """State, result and bars, as airy as `height` allows."""
        said = self._result(width, height)
        bars = self._bars(width)
        rows = [self._activity(width), *said, *bars]
        spare = height - len(rows)
        airy = [self._activity(width)]
        if spare >= 2:
            airy.append(Text(""))
        airy += said
        if spare >= 1:
            airy.append(Text(""))
        airy += bars
        return airy

    # -- header

    def _header(self, width: int) -> Text:
        stream = self.state.stream
        right = clock(self.state.position_s)
        name = "waiting for a source"
        form = ""
        if stream is not None:
            name = self._safe(stream.source)
            channels = {1: "mono", 2: "stereo"}.get(stream.n_channels)
            form = f"{stream.sample_rate / 1000:g} kHz{self.signs.dot}" + (
                channels or f"{stream.n_channels} channels"
            )
        room = width - len("ser-live") - 3 - len(right) - 2
        if len(form) + 3 + 12 > room:
            form = ""
        name = self._fit(name, room - (len(form) + 2 if form else 0))
        left = Text.assemble(("ser-live", "bold"), "   ", name, "  ", (form, _DIM))
        return _ends(left, Text(right), width)

    def _meter(self, width: int) -> Text:
        meter = self.state.meter
        numbers = Text.assemble(f"{_decibels(meter.level_dbfs)} dBFS")
        if width >= 50:
            clips = meter.peak_dbfs >= _CLIPPING_DBFS
            peak = " clips!" if clips else f"{_decibels(meter.peak_dbfs):>7}"
            numbers.append("   peak", _DIM).append(peak, _WARN if clips else "")
            numbers.append("   noise", _DIM).append(f"{_decibels(meter.noise_dbfs):>4}")
        bar_width = width - numbers.cell_len - 10
        if bar_width < 4:
            return Text.assemble(("level  ", _DIM), numbers)
        bar = self._bar(_meter_share(meter.level_dbfs), bar_width, "green")
        marked = self._mark(bar, meter.noise_dbfs, bar_width, self.signs.noise, _DIM)
        marked = self._mark(marked, meter.peak_dbfs, bar_width, self.signs.peak, "bold")
        return Text.assemble(("level  ", _DIM), marked, "   ", numbers)

    def _mark(self, bar: Text, level_dbfs: float, width: int, sign: str, style: str) -> Text:
        if not math.isfinite(level_dbfs):
            return bar
        at = min(width - 1, int(_meter_share(level_dbfs) * width))
        return Text.assemble(bar[:at], (sign, style), bar[at + 1 :])

    def _notices(self, width: int, n_lines: int) -> list[Text]:
        state = self.state
        rows: list[Text] = []
        for message in (state.signal_message, state.notice):
            if message:
                parts = wrap(self._safe(message), width - 2, n_lines, ellipsis=self.signs.ellipsis)
                rows += [
                    Text.assemble((f"{self.signs.alert if k == 0 else ' '} ", _WARN), part)
                    for k, part in enumerate(parts)
                ]
        return rows

    # -- left column

    def _activity(self, width: int) -> Text:
        state = self.state
        if state.running_s is not None:
            return Text.assemble(
                (f"{self.signs.on} listening", "bold"), f"  {state.running_s:.1f} s"
            )
        if state.stream_state is None:
            word = "ended" if state.n_streams else "starting"
            return Text(f"{self.signs.off} {word}", _DIM)
        if state.stream_state is State.NO_SIGNAL:
            return Text(f"{self.signs.alert} no signal", _WARN)
        if state.stream_state is State.LISTENING:
            return Text(f"{self.signs.on} listening", "bold")
        return Text(f"{self.signs.off} {state.stream_state.value}")

    def _result(self, width: int, height: int) -> list[Text]:
        """The verdict, where it was, and what in the voice says so: three lines."""
        result = self.state.result
        if result is None:
            return [Text("no utterance yet", _DIM), Text(""), Text("")]
        winner = self.state.winner
        so_far = "so far " if result.kind == "partial" else ""
        verdict: Text
        if result.state is not State.OK or winner is None:
            verdict = Text.assemble((so_far, _DIM), (result.state.value, "bold"))
            if winner is not None:
                guess = f": best guess {winner[0].value} {_percent(winner[1])}"
                verdict.append(guess, "")
        else:
            emotion, height_of_bar = winner
            verdict = Text.assemble(
                (so_far, _DIM),
                (emotion.value, f"bold {COLORS[emotion]}"),
                (f"   {_percent(height_of_bar)}", "bold"),
                f"   {confidence_in_words(height_of_bar)}",
            )
        start_s, end_s = result.start_sample / 16_000, result.end_sample / 16_000
        where = Text(
            f"{clock(start_s, tenths=True)} to {clock(end_s, tenths=True)}{self.signs.dot}"
            f"{result.speech_s:.1f} s of speech",
            _DIM,
        )
        if result.state in _HINTS:
            why = Text(self._fit(_HINTS[result.state], width))
        else:
            why = self._why([self._safe(reason.text) for reason in result.reasons], width)
        return [verdict, why, where]

    def _why(self, reasons: list[str], width: int) -> Text:
        """As many whole reasons as fit."""
        text = ""
        for reason in reasons:
            longer = f"{text}{self.signs.dot}{reason}" if text else reason
            if len(longer) > width:
                break
            text = longer
        if not text and reasons:
            text = self._fit(reasons[0], width)
        return Text(text)

    def _bars(self, width: int) -> list[Text]:
        heights = self.state.probabilities or (0.0,) * len(EMOTIONS)
        shares = self.state.tally.shares()
        with_shares = width >= 36
        bar_width = max(3, width - 10 - 6 - (9 if with_shares else 0))
        best = self.state.winner[0] if self.state.winner else None
        rows = []
        if with_shares:
            rows.append(_ends(Text(""), Text("session", _DIM), width))
        for emotion, height in zip(EMOTIONS, heights, strict=True):
            is_best = emotion is best
            known = self.state.probabilities is not None
            row = Text.assemble((pad(emotion.value, 10), "bold" if is_best else ""))
            row.append_text(self._bar(height, bar_width, COLORS[emotion]))
            row.append(f"{_percent(height) if known else '':>6}", "bold" if is_best else "")
            if with_shares:
                share = shares[emotion]
                row.append(f"{_percent(share) if share else '':>9}", _DIM)
            rows.append(row)
        return rows

    def _bar(self, share: float, width: int, style: str) -> Text:
        share = min(1.0, max(0.0, share)) if math.isfinite(share) else 0.0
        n_halves = round(share * width * 2)
        if not self.signs.half:
            n_halves = round(share * width) * 2
        filled = self.signs.full * (n_halves // 2) + self.signs.half * (n_halves % 2)
        return Text.assemble((filled, style), (self.signs.track * (width - len(filled)), _DIM))

    # -- timeline

    def _timeline(self, width: int, height: int) -> list[Text]:
        rows = [Text("last utterances", _DIM)]
        stream = self.state.n_streams
        for entry in reversed(self.state.timeline):
            if entry.stream != stream:
                stream = entry.stream
                name = self._safe(self.state.stream_names.get(stream, ""))
                rows.append(Text(self._fit(f"{self.signs.rule * 2} {name}", width), _DIM))
            rows.append(self._entry(entry, width))
            if len(rows) >= height:
                break
        if len(rows) == 1:
            rows.append(Text("none yet", _DIM))
        return rows[:height]

    def _entry(self, entry: TimelineEntry, width: int) -> Text:
        start = clock(entry.start_s)
        style = COLORS[entry.emotion] if entry.emotion else ""
        confidence = "" if entry.confidence is None else _percent(entry.confidence)
        row = Text.assemble(
            (start, _DIM),
            "  ",
            (self.signs.on if entry.emotion else self.signs.off, style or _DIM),
            " ",
            (pad(entry.label, 9), style),
        )
        spare = width - row.cell_len - 6 - 8
        if spare >= 8 and entry.confidence is not None:
            bar_width = min(14, spare - 2)
            if entry.emotion:
                row.append("  ").append_text(self._bar(entry.confidence, bar_width, style))
            elif entry.best:
                row.append(f"  {pad(entry.best.value + '?', bar_width)}", _DIM)
        elif spare >= 8:
            row.append(" " * (2 + min(14, spare - 2)))
        row.append(f"{confidence:>6}").append(f"{entry.duration_s:>6.1f} s", _DIM)
        return row

    # -- foot

    def _health(self, width: int) -> Text:
        state = self.state
        tally = state.tally
        median, slow = tally.latency_ms(50), tally.latency_ms(95)
        parts: list[tuple[str, str]] = [
            (f"queue {state.queue.n_waiting}", ""),
            (f"dropped {tally.n_dropped}", _WARN if tally.n_dropped else ""),
            (
                f"gaps {tally.n_gaps}" + (f" ({tally.gap_s:.1f} s)" if tally.n_gaps else ""),
                _WARN if tally.n_gaps else "",
            ),
            ("latency -" if math.isnan(median) else f"latency {median:.0f} ms, p95 {slow:.0f}", ""),
        ]
        row = Text("")
        for text, style in parts:
            if row.cell_len + len(text) + 3 > width:
                break
            row.append("   " if row else "").append(text, style or _DIM)
        end = Text("Ctrl-C ends", _DIM)
        return _ends(row, end, width) if row.cell_len + 14 <= width else row

    # -- text

    def _safe(self, text: str) -> str:
        return printable(text, ascii_only=self.ascii_only)

    def _fit(self, text: str, width: int) -> str:
        return fit(text, max(0, width), ellipsis=self.signs.ellipsis)


def _indented(line: Text) -> Text:
    return Text.assemble(" ", line)


def _ends(left: Text, right: Text, width: int) -> Text:
    """`left` and `right` at the two ends of a line of `width` cells."""
    space = max(1, width - left.cell_len - right.cell_len)
    return Text.assemble(left, " " * space, right)


def _meter_share(level_dbfs: float) -> float:
    if not math.isfinite(level_dbfs):
        return 0.0
    return min(1.0, max(0.0, 1.0 - level_dbfs / _METER_FLOOR_DBFS))


def _decibels(level_dbfs: float) -> str:
    return f"{level_dbfs:.0f}" if math.isfinite(level_dbfs) else "-"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
