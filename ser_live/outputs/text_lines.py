"""Events as lines for people."""

from __future__ import annotations

from rich.cells import cell_len

from ser_live.events import (
    Activity,
    DeviceFound,
    Drop,
    EmotionResult,
    Hearing,
    Kind,
    SourceFailed,
    StreamGap,
    StreamStarted,
    Verdict,
    seconds,
)
from ser_live.terminal.text import clock, pad, printable, signed

_ROLE_CELLS = 10
"""Width of the name of a role."""


def text_line(
    event: EmotionResult | Activity | Drop | StreamGap | StreamStarted | SourceFailed | DeviceFound,
    *,
    with_file: bool = False,
) -> str:
    """One line for people, safe to print; `with_file` puts the file name at its end.

    ``00:03.2-00:05.9  happy      0.81  v+0.6 a+0.4  [pitch +3.1 st, louder +4 dB]``, with
    ``v`` for valence and ``a`` for arousal. A partial result has ``...`` after its end, a
    rejected one its state in place of the emotion.
    """
    if isinstance(event, StreamStarted):
        return f"== {printable(event.source)}{_lane(event)}"
    if isinstance(event, DeviceFound):
        return f"== {printable(found_again(event))}"
    if isinstance(event, SourceFailed):
        return f"!! {printable(event.message)}"
    if isinstance(event, StreamGap):
        start_s = event.start_s
        end_s = seconds(event.start_sample + event.n_samples)
        lost_s = event.duration_s
        lost = f"{lost_s:.1f} s" if lost_s >= 10 else f"{lost_s * 1000:.0f} ms"
        rest = f"gap              [{lost} lost: {printable(event.cause)}]"
    else:
        start_s, end_s = event.start_s, event.end_s
        if isinstance(event, Activity):
            rest = "speaks"
        else:
            rest = _dropped(event) if isinstance(event, Drop) else _judged(event)
    span = f"{clock(start_s, tenths=True)}-{clock(end_s, tenths=True)}"
    if isinstance(event, EmotionResult) and event.kind is Kind.PARTIAL:
        span += "..."
    if event.stream.role is not None:
        rest = f"{pad(printable(event.stream.role), _ROLE_CELLS)} {rest}"
    line = f"{span:<18} {rest}".rstrip()
    return f"{line}  {printable(event.file)}" if with_file and event.file else line


def _lane(event: StreamStarted) -> str:
    """Role and channel of a stream that has a role."""
    stream = event.stream
    if stream.role is None:
        return ""
    place = "" if stream.channel is None else f", channel {stream.channel + 1}"
    heard = "" if event.level is Hearing.ANALYZE else ", only when they speak"
    return f" ({printable(stream.role)}{place}{heard})"


def found_again(event: DeviceFound) -> str:
    """A sentence about the microphone that is heard again, or the one that stands in."""
    if event.device == event.lost_device:
        return f"{event.device} is back"
    return f"{event.device} is heard instead of {event.lost_device}"


def _dropped(event: Drop) -> str:
    return f"dropped          [{event.kind} not analyzed: analysis fell behind]"


def _judged(result: EmotionResult) -> str:
    label = result.state.value if result.emotion is None else printable(result.emotion)
    confidence = "    " if result.confidence is None else f"{result.confidence:.2f}"
    notes = [printable(reason.text) for reason in result.reasons]
    if result.state is Verdict.UNCERTAIN and result.best is not None:
        notes.insert(0, f"best guess {printable(result.best)}")
    affect = ""
    if result.valence is not None and result.arousal is not None:
        affect = f"  v{signed(result.valence, 1)} a{signed(result.arousal, 1)}"
    label += " " * (10 - cell_len(label))
    return f"{label} {confidence}{affect}" + (f"  [{', '.join(notes)}]" if notes else "")
