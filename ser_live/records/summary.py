"""A session in a few lines of text, from its log."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ser_live.events import (
    Recorded,
    SessionEnded,
    SessionStarted,
    SourceFailed,
    StreamEnded,
    StreamStarted,
    Verdict,
)
from ser_live.records.log_entries import LogContinued, LogGap
from ser_live.records.tally import Tally
from ser_live.terminal.text import clock, fit, pad, printable, signed

_MAX_CELLS = 300
"""Most characters shown of anything that a log says."""


def summary_lines(entries: Iterable[Recorded]) -> list[str]:
    """Sum up the entries of one session's log, one fact a line, for people.

    Works on a session that never ended, such as a log cut off by ``kill -9``: there the
    sums are of what the log holds, and the summary says so.
    """
    tally = Tally()
    about: list[str] = []
    sources: list[str] = []
    failures: list[str] = []
    ended: SessionEnded | None = None
    n_unlogged = 0
    heard_s = 0.0
    for entry in entries:
        tally.add(entry)
        match entry:
            case SessionStarted():
                about += _beginning(entry)
            case StreamStarted():
                sources.append(_shown(entry.source))
            case StreamEnded():
                heard_s += entry.duration_s
            case SourceFailed():
                failures.append(_shown(entry.message))
            case LogContinued():
                about.append(f"continues  {_shown(entry.path)} ({_shown(entry.cause)})")
            case LogGap():
                n_unlogged += entry.n_events
            case SessionEnded():
                ended = entry
            case _:
                pass  # the tally counts the rest
    if sources:
        more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
        about.append(f"source     {sources[0]}{more}")
    if ended is None:
        about.append(
            "ended      not recorded (running still, or cut off): sums are of what the log holds"
        )
    else:
        about.append(f"ended      {ended.reason}")
        heard_s = ended.duration_s
    return [
        *about,
        *([f"heard      {clock(heard_s, tenths=True)}"] if heard_s else []),
        *tally_lines(tally, n_unlogged),
        *(f"failed     {message}" for message in failures),
    ]


def _beginning(started: SessionStarted) -> list[str]:
    lines = [
        f"started    {_shown(started.started_at)}, ser-live {_shown(started.version)}",
        f"model      {_shown(started.model)} ({_shown(started.model_sha256[:12])})",
    ]
    if started.speaker:
        lines.append(f"speaker    {_shown(started.speaker)}, enrolled")
    return lines


def _shown(text: str) -> str:
    return fit(printable(text), _MAX_CELLS)


def tally_lines(tally: Tally, n_unlogged: int = 0) -> list[str]:
    """The counts, one fact a line, for people."""
    return [*_sums(tally), *_losses(tally, n_unlogged)]


def _sums(tally: Tally) -> list[str]:
    lines = [f"utterances {tally.n_finals}, {tally.n_named} with an emotion"]
    shares = tally.shares()
    for emotion in sorted(shares, key=lambda label: -shares[label]):
        n = tally.emotions[emotion]
        if n:
            lines.append(
                f"  {pad(emotion, 10)} {n:>4}   {shares[emotion]:>4.0%} of the named speech time"
                f" ({tally.speech_s[emotion]:.1f} s)"
            )
    affect = tally.affect()
    if affect is not None:
        lines.append(f"valence    {signed(affect[0], 2)} on average, from -1 to +1")
        lines.append(f"arousal    {signed(affect[1], 2)} on average, from -1 to +1")
    lines += [f"  {s.value:<10} {n:>4}" for s, n in tally.states.items() if s is not Verdict.OK]
    return lines


def _losses(tally: Tally, n_unlogged: int) -> list[str]:
    lines = [f"dropped    {tally.n_dropped}", f"gaps       {tally.n_gaps} ({tally.gap_s:.2f} s)"]
    if tally.n_device_losses:
        times = "once" if tally.n_device_losses == 1 else f"{tally.n_device_losses} times"
        lines.append(f"microphone lost {times}")
    if n_unlogged:
        lines.append(f"unlogged   {n_unlogged} events that could not be written")
    median, slow = tally.latency_ms(50), tally.latency_ms(95)
    if not math.isnan(median):
        lines.append(f"latency    median {median:.0f} ms, p95 {slow:.0f} ms")
    return lines
