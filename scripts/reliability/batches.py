"""Batches of files that are interrupted, gone on with, and whose workers are killed."""

from __future__ import annotations

import random
import signal
import tempfile
import time
from pathlib import Path

import soundfile

from reliability.machinery import DEMO
from reliability.row import Row

# After the machinery, which finds the tests' tools.
from batch_trial import (  # isort: skip
    command,
    folder_of,
    interrupted,
    interrupted_file,
    undisturbed,
    with_killed_workers,
)

TITLE = "Batches"

N_FILES = 6
TALK_S = 6.0
"""Length of each file, in seconds."""

FORMS = ("table", "csv", "jsonl")


def run(*, short: bool, data: Path | None) -> list[Row]:
    """Interrupt, kill, and go on."""
    del data  # what is said does not matter here
    n = 2 if short else 20
    with tempfile.TemporaryDirectory(prefix="ser-live-batches-") as name:
        folder = Path(name)
        rate = soundfile.info(DEMO).samplerate
        samples, _ = soundfile.read(DEMO, frames=round(TALK_S * rate))
        soundfile.write(folder / "talk.wav", samples, rate)
        calls = folder_of(folder / "talk.wav", folder / "calls", N_FILES)
        rng = random.Random(12)  # noqa: S311  moments, not secrets
        return [interruptions(calls, n, rng), killed_workers(calls, n, rng), gone_on(calls, n, rng)]


def interruptions(calls: Path, n: int, rng: random.Random) -> Row:
    """Ctrl-C at random moments, in every format, with one job and two."""
    began_s = time.monotonic()
    whole = {form: undisturbed(command(calls, "-f", form)).stdout for form in FORMS}
    n_good = 0
    for number in range(n):
        form = FORMS[number % len(FORMS)]
        n_lines = rng.randint(1, N_FILES - 2)
        arguments = command(calls, "-f", form, "-j", 1 + number % 2)
        ended, n_seen = interrupted(arguments, signal.SIGINT, n_lines, rng.uniform(0.0, 0.3))
        lines, expected = (text.splitlines() for text in (ended.stdout, whole[form]))
        # Side by side a later file may be done before an earlier one: its rows are there, too.
        is_good = (
            ended.code in (0, 130)
            and len(lines) >= n_seen
            and lines == [line for line in expected if line in set(lines)]
        )
        n_good += is_good
        if not is_good:
            print(f"    {form}: {ended}", flush=True)
    return _row(
        "Ctrl-C at random moments: every finished row is there and whole", n_good, n, began_s
    )


def killed_workers(calls: Path, n: int, rng: random.Random) -> Row:
    """``kill -9`` of a worker at a random moment of a run with two."""
    began_s = time.monotonic()
    whole = undisturbed(command(calls, "-f", "csv"))
    n_good = 0
    for _ in range(n):
        ended = with_killed_workers(command(calls, "-f", "csv", "-j", 2), 1, rng)
        n_good += ended == whole
        if ended != whole:
            print(f"    {ended}", flush=True)
    return _row("a worker is killed: the rows are those of an undisturbed run", n_good, n, began_s)


def gone_on(calls: Path, n: int, rng: random.Random) -> Row:
    """Signals that end a run at random files, ``kill -9`` among them, and ``--resume``."""
    began_s = time.monotonic()
    whole = {form: undisturbed(command(calls, "-f", form)).stdout for form in FORMS[1:]}
    n_good = 0
    for number in range(n):
        form = FORMS[1 + number % 2]
        file = calls.parent / f"rows-{number}"
        arguments = command(calls, "-f", form, "-j", 1 + number // 2 % 2, "-o", file)
        signal_ = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)[number % 3]
        journal = file.with_name(f"{file.name}.unfinished")
        interrupted_file(arguments, journal, rng.randint(0, N_FILES - 2), signal_)
        ended = undisturbed([*arguments, "--resume"])
        is_good = ended.code == 0 and file.read_bytes() == whole[form] and not journal.exists()
        n_good += is_good
        if not is_good:
            print(f"    {form}, {signal_.name}: {ended}", flush=True)
    return _row("--resume after a signal: the file is that of one run", n_good, n, began_s)


def _row(claim: str, n_good: int, n: int, began_s: float) -> Row:
    return Row(claim, f"{n_good} of {n}", f"{n} of {n}", n_good == n, time.monotonic() - began_s)
