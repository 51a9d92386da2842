"""Microphones that go away and come back, twenty times in a row."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from reliability.row import Row

# The virtual microphone and the trial are shared with the tests.
sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))

from device_trial import Cycle, Outcome, Resources, end_during_stall, run_trial
from virtual_microphone import missing_sound_server

TITLE = "Devices"

FAULTS = {
    "unload": "sound card unloaded",
    "kill": "sound server killed",
    "stall": "sound server stopped without a word",
    "suspend": "sound card suspended",
    "rate change": "sound card comes back with another rate and channel count",
}
"""Faults, and their names on the page."""

N_FAULTS = 20
N_FAULTS_SHORT = 1

MAX_NOTICED_S = 2.5
MAX_RECOVERED_S = 3.0
MAX_OFF_MS = 100.0
"""Largest difference of sample clock and steady clock: no more than the audio under way
between sound card and segmenter. A sound server adds some 20-60 ms to either end of a loss."""
MAX_GROWTH = 0.02
MAX_END_S = 5.0


def run(*, short: bool, data: Path | None) -> list[Row]:
    """Measure every kind of fault under one session each."""
    del data
    if why := missing_sound_server():
        return [
            Row("a lost microphone", f"not measured: {why}", "a virtual microphone", False, 0.0)
        ]
    rows: list[Row] = []
    for fault, name in FAULTS.items():
        began_s = time.monotonic()
        outcome = run_trial([fault] * (N_FAULTS_SHORT if short else N_FAULTS))
        rows += _rows(name, outcome, time.monotonic() - began_s)
    return [*rows, _end_row()]


def _rows(name: str, outcome: Outcome, seconds: float) -> list[Row]:
    cycles = outcome.cycles
    n, n_survived = outcome.n_faults, len(cycles)
    survived = f"{n_survived} of {n}" + (f" ({outcome.problem})" if outcome.problem else "")
    is_whole = n_survived == n and not outcome.problem
    first = Row(f"{name}: faults survived", survived, f"{n} of {n}", is_whole, seconds)
    if not cycles or outcome.before is None:
        return [first]
    noticed_s = max(cycle.noticed_s for cycle in cycles)
    recovered_s = max(cycle.recovered_s for cycle in cycles)
    untold_ms = round(1000 * max(abs(cycle.unlogged_s) for cycle in cycles))
    off_ms = 1000 * outcome.unaccounted_s
    return [
        first,
        Row(
            f"{name}: noticed, at worst",
            f"{noticed_s:.2f} s",
            f"≤ {MAX_NOTICED_S} s",
            noticed_s <= MAX_NOTICED_S,
            seconds,
            measures_time=True,
        ),
        Row(
            f"{name}: heard again after it is back, at worst",
            f"{recovered_s:.2f} s",
            f"≤ {MAX_RECOVERED_S} s",
            recovered_s <= MAX_RECOVERED_S,
            seconds,
            measures_time=True,
        ),
        Row(
            f"{name}: time unaccounted for",
            f"{untold_ms} ms",
            "≤ 2 ms, as times in a log are whole milliseconds",
            untold_ms <= 2,
            seconds,
        ),
        Row(
            f"{name}: sample clock behind the steady clock in the end",
            f"{off_ms:+.0f} ms",
            f"≤ {MAX_OFF_MS:.0f} ms",
            abs(off_ms) <= MAX_OFF_MS,
            seconds,
            measures_time=True,
        ),
        _leak_row(name, outcome.before, cycles, seconds),
    ]


def _leak_row(name: str, before: Resources, cycles: Sequence[Cycle], seconds: float) -> Row:
    """Compare the last fault with the start; memory with the fault after which it settled."""
    settled, last = cycles[min(4, len(cycles) - 1)].resources, cycles[-1].resources
    n_threads = last.n_threads - before.n_threads
    n_files = last.n_files - before.n_files
    growth = last.memory_kb / settled.memory_kb - 1.0
    return Row(
        f"{name}: left behind",
        f"{n_threads:+d} threads, {n_files:+d} files, {growth:+.1%} memory",
        f"0, 0, ≤ {MAX_GROWTH:.0%}",
        n_threads <= 0 and n_files <= 0 and growth <= MAX_GROWTH,
        seconds,
    )


def _end_row() -> Row:
    claim, bar = "ended while the sound server does not answer", f"≤ {MAX_END_S:g} s"
    began_s = time.monotonic()
    try:
        end_s = end_during_stall()
    except TimeoutError as error:
        return Row(claim, str(error), bar, False, time.monotonic() - began_s)
    seconds = time.monotonic() - began_s
    return Row(claim, f"{end_s:.1f} s", bar, end_s <= MAX_END_S, seconds, measures_time=True)
