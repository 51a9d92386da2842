"""Analyze 16-bit mono PCM at 16 kHz from standard input, block by block as it arrives."""

import sys

from ser_live import Analyzer, EmotionResult, Kind, StreamEvent


def show(events: list[StreamEvent]) -> None:
    """Print the results among the events."""
    for event in events:
        if isinstance(event, EmotionResult):
            mark = "..." if event.kind is Kind.PARTIAL else ""
            print(f"{event.start_s:.2f} to {event.end_s:.2f}{mark} s: {event.best or event.state}")


analyzer = Analyzer(sample_rate=16_000, n_channels=1)
while block := sys.stdin.buffer.read(3200):  # 0.1 s
    show(analyzer.push(block))
show(analyzer.close())
