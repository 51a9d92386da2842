"""Odd files of every container, heard beside ffmpeg: nothing is lost without a word."""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from reliability.row import Row

TITLE = "Odd files"

TESTS = Path(__file__).parents[2] / "tests"
sys.path.insert(0, str(TESTS / "support"))

N_INPUTS = 100_000
N_SHORT = 100
EVERY_SHORT = 12
"""A short run hears one file in so many."""
LEAST_FILES = 300

_FAMILIES = {"wav": "WAV", "ogg": "Ogg", "mp3": "MP3", "flac": "FLAC", "mp4": "MP4"}


def run(*, short: bool, data: Path | None) -> Iterator[Row]:
    """Hear the corpus, then spoilt containers; `data` is not needed."""
    del data
    yield from _corpus(short=short)
    for name, family in _FAMILIES.items():
        yield _fuzzed(name, family, (N_SHORT if short else N_INPUTS) // len(_FAMILIES))


def _corpus(*, short: bool) -> Iterator[Row]:
    """A row for each kind of container and one for all."""
    import odd_corpus

    kinds: dict[str, list[odd_corpus.Trial]] = defaultdict(list)
    seconds: dict[str, float] = defaultdict(float)
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for file in itertools.islice(odd_corpus.files(), 0, None, EVERY_SHORT if short else 1):
            kind = file.kind.split()[0]
            trial = odd_corpus.tried(file, Path(folder))
            kinds[kind].append(trial)
            seconds[kind] += time.monotonic() - began_s
            began_s = time.monotonic()
            if trial.is_silent_loss or trial.is_false_alarm or trial.escape:
                print(f"    {trial}", flush=True)
    for kind, trials in kinds.items():
        yield _row(f"{kind}: what is odd in a file is heard or told", trials, 1, seconds[kind])
    everything = [trial for trials in kinds.values() for trial in trials]
    least = 1 if short else LEAST_FILES
    yield _row("all of them", everything, least, sum(seconds.values()))


def _row(claim: str, trials: list, least: int, seconds: float) -> Row:  # type: ignore[type-arg]
    n_silent = sum(trial.is_silent_loss for trial in trials)
    n_escapes = sum(bool(trial.escape) for trial in trials)
    n_alarms = sum(trial.is_false_alarm for trial in trials)
    n_told = sum(bool(trial.ours.error) for trial in trials)
    return Row(
        claim,
        f"{len(trials)} files, {n_told} called damaged, {n_alarms} of them wrongly, {n_silent} "
        f"silent losses, {n_escapes} escapes",
        "0 silent losses of more than 50 ms, 0 wrongly, 0 escapes",
        len(trials) >= least and not n_silent and not n_escapes and not n_alarms,
        seconds,
    )


def _fuzzed(name: str, family: str, n_inputs: int) -> Row:
    import fuzz_containers
    from fuzzing import fuzz

    outcome = fuzz(fuzz_containers.TARGETS[name], n_inputs)
    for escape in outcome.escapes:
        print(f"    {name} {escape.number}: {escape.what}", flush=True)
    n_silent = sum("silent loss" in escape.what for escape in outcome.escapes)
    return Row(
        f"{family} with its structure spoilt: what ffmpeg hears is heard or told",
        f"{outcome.n_inputs} inputs, {outcome.n_results} heard, {outcome.n_refused} told, "
        f"{n_silent} silent losses, {len(outcome.escapes) - n_silent} escapes",
        f"{n_inputs} inputs, 0 silent losses, 0 escapes",
        outcome.n_inputs == n_inputs and not outcome.escapes and outcome.n_results > 0,
        outcome.seconds,
    )
