"""The level meter of the dashboard."""

from __future__ import annotations

import math

from rich.text import Text

from ser_live.outputs.dashboard.stream_view import Meter
from ser_live.terminal.pen import DIM, Pen, with_mark

_FLOOR_DBFS = -70.0
_CLIPPING_DBFS = -0.1


def meter_row(meter: Meter, pen: Pen, width: int) -> Text:
    """The level as a bar with marks for held peak and noise floor, then the numbers."""
    signs = pen.signs
    numbers = Text(f"{_decibels(meter.level_dbfs):>5} dBFS")
    if width >= 56:
        clips = meter.peak_dbfs >= _CLIPPING_DBFS
        numbers.append(f"   peak {signs.peak}", DIM)
        numbers.append(
            f"{' CLIPS' if clips else _decibels(meter.peak_dbfs):>4}",
            pen.theme.warn if clips else "",
        )
        numbers.append(f"   noise {signs.noise}", DIM)
        numbers.append(f"{_decibels(meter.noise_dbfs):>4}")
    bar_width = width - numbers.cell_len - 8
    if bar_width < 4:
        return numbers
    bar = pen.bar(_meter_share(meter.level_dbfs), bar_width, pen.theme.meter)
    for level_dbfs, sign, style in (
        (meter.noise_dbfs, signs.noise, DIM),
        (meter.peak_dbfs, signs.peak, "bold"),
    ):
        if math.isfinite(level_dbfs):
            at = min(bar_width - 1, int(_meter_share(level_dbfs) * bar_width))
            bar = with_mark(bar, at, sign, style)
    return Text.assemble(("level  ", DIM), bar, " ", numbers)


def _meter_share(level_dbfs: float) -> float:
    """Position of a level on the meter, 0 to 1."""
    if not math.isfinite(level_dbfs):
        return 0.0
    return min(1.0, max(0.0, 1.0 - level_dbfs / _FLOOR_DBFS))


def _decibels(level_dbfs: float) -> str:
    return f"{level_dbfs:.0f}" if math.isfinite(level_dbfs) else "-"
