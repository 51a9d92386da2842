"""Hostile input: nothing but a result or a sentence, and nothing gets out of hand."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from reliability.row import Row

TITLE = "Hostile input"

TESTS = Path(__file__).parents[2] / "tests"
sys.path.insert(0, str(TESTS / "support"))

N_INPUTS = 100_000
N_SHORT = 100
"""The tests try the same inputs, and more of them."""
HOURS = 100.0
SHORT_HOURS = 0.5
MORE_BYTES = 24 << 20
"""Memory beyond that for one second which may differ from run to run."""

_TARGETS = {
    "audio": "damaged recordings",
    "pcm": "anything on standard input",
    "ravdess": "RAVDESS names",
    "log": "altered session logs",
    "model": "altered models, their hash made to fit",
    "encoder": "altered graphs of a model, their hash made to fit",
    "profile": "altered profiles, their hash made to fit",
    "settings": "any settings on the command line",
}
_TESTED = {
    "property/test_hostile_models.py": "models poisoned, mismatched, cut off or of 10 GB: refused",
    "property/test_hostile_paths.py": "no name or content leads out of its folder",
    "processes/test_terminal_safety.py": "nothing from outside commands the terminal",
}


def run(*, short: bool, data: Path | None) -> Iterator[Row]:
    """Measure every claim, each as it is asked for; `data` is not needed.

    A short run leaves out what the tests show by themselves.
    """
    del data
    for name in _TARGETS:
        yield _fuzzed(name, N_SHORT if short else N_INPUTS)
    yield _promises()
    yield _hours(SHORT_HOURS if short else HOURS)
    if not short:
        for file, claim in _TESTED.items():
            yield _tested(file, claim)


def _fuzzed(name: str, n_inputs: int) -> Row:
    import fuzz_targets
    from fuzzing import fuzz

    outcome = fuzz(fuzz_targets.TARGETS[name], n_inputs)
    for escape in outcome.escapes:
        print(f"escape: {name} {escape.number}: {escape.what}")
    return Row(
        f"{_TARGETS[name]}: a result or a sentence",
        f"{outcome.n_inputs} inputs, {outcome.n_results} results, {outcome.n_refused} refused, "
        f"{len(outcome.escapes)} escapes, {outcome.peak_bytes / 2**20:.0f} MiB at most",
        f"{n_inputs} inputs, 0 escapes",
        outcome.n_inputs == n_inputs and not outcome.escapes and outcome.n_results > 0,
        outcome.seconds,
    )


def _promises() -> Row:
    """Headers that promise a hundred hours before one second of sound."""
    import audio_bombs
    from measured_process import hear

    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        heard = {build.__name__: hear(build(Path(folder))) for build in audio_bombs.PROMISES}
        refused = [h for h in heard.values() if h.returncode != 0]
    peak_bytes = max(h.peak_bytes for h in heard.values())
    is_right = all("cut off after 1.00 s" in h.stderr for h in refused) and all(
        int(h.stdout) < 17_000 for h in heard.values() if h.returncode == 0
    )
    return Row(
        "WAV, FLAC, Ogg and MP3 that promise 100 hours and hold a second",
        f"{len(heard)} heard as a second, {peak_bytes / 2**20:.0f} MiB at most",
        f"4 of 4 in less than {_second_bytes() / 2**20:.0f} MiB",
        is_right and len(heard) == 4 and peak_bytes < _second_bytes(),
        time.monotonic() - began_s,
    )


def _hours(hours: float) -> Row:
    """A small file that really holds hours of silence."""
    import audio_bombs
    from measured_process import hear

    with tempfile.TemporaryDirectory() as folder:
        path = audio_bombs.silent_flac(Path(folder), hours=hours)
        n_kb = path.stat().st_size / 1000
        heard = hear(path, timeout_s=3600.0)
    heard_h = int(heard.stdout or 0) / 16_000 / 3600
    return Row(
        f"{hours:g} hours of silence in a FLAC of {n_kb:.0f} kB are streamed",
        f"{heard_h:.2f} hours heard, {heard.peak_bytes / 2**20:.0f} MiB at most",
        f"all in less than {_second_bytes() / 2**20:.0f} MiB",
        abs(heard_h - hours) < 0.01 and heard.peak_bytes < _second_bytes(),
        heard.seconds,
    )


def _second_bytes() -> int:
    """Memory for one second of sound, and some more."""
    import audio_bombs
    from measured_process import hear

    with tempfile.TemporaryDirectory() as folder:
        heard_bytes: int = hear(audio_bombs.silent_flac(Path(folder), hours=0.01)).peak_bytes
    return heard_bytes + MORE_BYTES


def _tested(file: str, claim: str) -> Row:
    began_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TESTS / file],
        capture_output=True,
        text=True,
        check=False,
        cwd=TESTS.parent,
    )
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped)", done.stdout)}
    if done.returncode != 0:
        print(done.stdout[-3000:])
    n_passed, n_failed = counts.get("passed", 0), counts.get("failed", 0)
    return Row(
        claim,
        f"{n_passed} of {n_passed + n_failed} attacks warded off",
        "all of them",
        done.returncode == 0 and n_passed > 0,
        time.monotonic() - began_s,
    )
