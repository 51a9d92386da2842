"""Pages that a key opens: the keys, details of signal and speed, one past utterance."""

from __future__ import annotations

import math

from rich.text import Text

from ser_live.events import EmotionResult
from ser_live.outputs.dashboard.desk import Desk
from ser_live.outputs.dashboard.past import TimelineEntry
from ser_live.outputs.dashboard.state import DashboardState
from ser_live.outputs.dashboard.wording import HINTS, confidence_in_words, reason_in_words
from ser_live.terminal.pen import DIM, Pen, sure_percent
from ser_live.terminal.text import clock, pad, signed

KEYS = (
    ("q", "end the session"),
    ("space", "pause, and go on"),
    ("m", "mark this moment"),
    ("n", "note something"),
    ("up down", "look back at utterances"),
    ("enter", "open the one chosen"),
    ("esc", "go back"),
    ("tab", "next layout"),
    ("+ - 0", "zoom the strip, show all"),
    ("f", "freeze the picture"),
    ("u", "reasons in units"),
    ("i", "signal, speed, losses"),
    ("d", "another microphone"),
    ("r", "forget the voice"),
    ("?", "these keys"),
)
"""Keys and what they do, for people; `Desk` does it."""


def help_rows(pen: Pen, width: int, height: int) -> list[Text]:
    """Keys and what they do; in two columns where the rows do not suffice."""
    rows = [Text.assemble((f" {pad(key, 10)}", "bold"), what) for key, what in KEYS]
    if len(rows) > height - 1 and width >= 54:
        half = (len(rows) + 1) // 2
        left, right = rows[:half], [*rows[half:], Text("")]
        rows = [
            Text.assemble(one, " " * max(1, width // 2 - one.cell_len), other)
            for one, other in zip(left, right, strict=False)
        ]
    return [Text("keys", DIM), *rows][:height]


def microphone_rows(desk: Desk, pen: Pen, width: int, height: int) -> list[Text]:
    """Microphones by the number and name that the list of the command line gives them."""
    heard = None if desk.session is None else desk.session.microphone
    at = None if heard is None else (heard.name, heard.host_api)
    rows = []
    for k, device in enumerate(desk.devices):
        notes = ["heard now"] * ((device.name, device.host_api) == at)
        notes += ["default"] * device.is_default
        said = f"   {', '.join(notes)}" if notes else ""
        label = pen.fit(pen.safe(device.label), max(0, width - 2 - len(said)))
        row = f"{'>' if k == desk.chosen else ' '} {label}{said}"
        rows.append(Text(pen.fit(row, width), "bold" if k == desk.chosen else ""))
    # The chosen one stays in sight however short the window is.
    room = max(1, height - 2)
    first = max(0, min(desk.chosen - room // 2, len(rows) - room))
    hint = Text(pen.fit("Enter changes to it, Esc goes back", width), DIM)
    heading = Text(pen.fit("microphones", width), DIM)
    shown = rows[first : first + room]
    return [heading, *shown, hint][:height] if height >= 3 else shown[:height]


def detail_rows(state: DashboardState, pen: Pen, width: int) -> list[Text]:
    """Signal, speed and losses in numbers."""
    tally, stream = state.tally, state.shown
    median, slow = tally.latency_ms(50), tally.latency_ms(95)
    latency = "-" if math.isnan(median) else f"{median:.0f} ms, p95 {slow:.0f} ms"
    known = "a stranger" if state.speaker is None else f"enrolled as {pen.safe(state.speaker)}"
    pairs = [
        ("source", pen.safe(stream.source) or "-"),
        ("signal", signal_form(stream.sample_rate, stream.n_channels, pen) or "-"),
        ("noise", _decibels(stream.meter.noise_dbfs)),
        ("voice", f"{known}, {stream.n_past} utterances"),
        ("latency", latency),
        ("queue", f"{state.queue.n_waiting} of {state.queue.capacity}"),
        ("dropped", f"{tally.n_dropped}"),
        ("gaps", f"{tally.n_gaps} ({tally.gap_s:.1f} s)"),
        ("lost", f"the microphone {tally.n_device_losses} times"),
        ("model", pen.safe(state.model) or "-"),
    ]
    return [
        Text("details", DIM),
        *(
            Text.assemble((f" {pad(name, 10)}", "bold"), pen.fit(value, width - 11))
            for name, value in pairs
        ),
    ]


def signal_form(sample_rate: int, n_channels: int, pen: Pen) -> str:
    """Rate and channels of a source; empty before it began."""
    if not sample_rate:
        return ""
    channels = {1: "mono", 2: "stereo"}.get(n_channels, f"{n_channels} channels")
    return f"{sample_rate / 1000:g} kHz{pen.signs.dot}{channels}"


def _decibels(level_dbfs: float) -> str:
    return f"{level_dbfs:.0f} dBFS" if math.isfinite(level_dbfs) else "-"


def utterance_rows(
    entry: TimelineEntry, state: DashboardState, pen: Pen, width: int
) -> list[tuple[int, Text]]:
    """All that is known of one past utterance, each row with its rank; the lowest stays longest."""
    result = entry.result
    end_s = entry.start_s + entry.end_s - entry.begin_s
    times = f"{clock(entry.start_s, tenths=True)} to {clock(end_s, tenths=True)}"
    if result is None:
        return [
            (0, Text("dropped", "bold")),
            (1, Text("analysis fell behind: it was not judged")),
            (2, Text(times, DIM)),
        ]
    rows = [(0, _headline(result, pen)), (2, Text(f"{times}, {result.speech_s:.1f} s of speech"))]
    if result.state in HINTS:
        rows.append((1, Text(pen.fit(HINTS[result.state], width))))
    rows += [(1, _reason(text, unit, pen, width)) for text, unit in _reasons(result)]
    rows.append((6, Text("")))
    for label, probability in (result.probabilities_by_name or {}).items():
        style = "bold" if label == result.best else ""
        rows.append(
            (
                3,
                Text.assemble(
                    (pad(pen.fit(pen.safe(label), 10), 11), style),
                    pen.bar(probability, max(2, width - 19), pen.color(label, result.labels)),
                    (f"{sure_percent(probability):>7}", style),
                ),
            )
        )
    if result.valence is not None and result.arousal is not None:
        affect = f"valence {signed(result.valence, 2)}   arousal {signed(result.arousal, 2)}"
        rows += [(6, Text("")), (4, Text(affect))]
    rows += [(5, Text(pen.fit(line, width), DIM)) for line in _numbers(result)]
    return rows


def _headline(result: EmotionResult, pen: Pen) -> Text:
    if result.emotion is not None and result.confidence is not None:
        style = f"bold reverse {pen.color(result.emotion, result.labels)}"
        return Text.assemble(
            (f" {pen.safe(result.emotion)} ", style),
            (f"   {sure_percent(result.confidence)}", "bold"),
            f"   {confidence_in_words(result.confidence)}",
        )
    row = Text.assemble((result.state.value, "bold"))
    if result.best is not None and result.confidence is not None:
        row.append(f": best guess {pen.safe(result.best)} {sure_percent(result.confidence)}")
    return row


def _reasons(result: EmotionResult) -> list[tuple[str, str]]:
    return [(reason_in_words(reason), reason.text) for reason in result.reasons]


def _reason(words: str, text: str, pen: Pen, width: int) -> Text:
    shown = text if text.startswith(words) else f"{words} ({text})"
    return Text(pen.fit(pen.safe(shown), width))


def _numbers(result: EmotionResult) -> list[str]:
    """Level and speed, a line each."""
    parts = []
    if math.isfinite(result.level_dbfs):
        parts.append(f"{result.level_dbfs:.0f} dBFS")
    if math.isfinite(result.snr_db):
        parts.append(f"{result.snr_db:.0f} dB above the noise")
    known = f"knowing {result.n_past} {'utterance' if result.n_past == 1 else 'utterances'}"
    if math.isfinite(result.latency_ms):
        return [", ".join(parts), f"judged in {result.latency_ms:.0f} ms, {known}"]
    return [", ".join(parts), f"judged {known}"]
