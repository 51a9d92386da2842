"""Archives on a cluster and on a disk that fills: the rows are those of an undisturbed run."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import soundfile

from reliability.machinery import DEMO
from reliability.row import Row

# After the machinery, which finds the tests' tools.
from batch_trial import command, folder_of, undisturbed, workers_of  # isort: skip

TITLE = "Archives"

N_FILES = 12
TALK_S = 6.0
"""Length of each file, in seconds."""
_START_S = 120.0
_FULL_BYTES = 3000
"""Size from which on files cannot be written where the disk is to be full."""

_POISON = """
import os, signal, sys

def end(event, arguments):
    if event == "open" and "poison" in str(arguments[0]):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(end)
"""
"""Module that Python begins with: the process that opens a file of that name ends."""


def run(*, short: bool, data: Path | None) -> Iterator[Row]:
    """Kill workers, kill the scheduler, poison a file, fill the disk."""
    del data  # what is said does not matter here
    n = 1 if short else 20
    rng = random.Random(15)  # noqa: S311  moments, not secrets
    with tempfile.TemporaryDirectory(prefix="ser-live-archives-") as name:
        top = Path(name)
        rate = soundfile.info(DEMO).samplerate
        samples, _ = soundfile.read(DEMO, frames=round(TALK_S * rate))
        soundfile.write(top / "talk.wav", samples, rate)
        calls = folder_of(top / "talk.wav", top / "calls", N_FILES)
        undisturbed(command(calls, "--out", top / "whole.parquet"))
        trials = {"the disk is full, and the same command later": partial(full_disk, calls)}
        if importlib.util.find_spec("distributed"):
            trials |= {
                "a worker of the cluster is killed": partial(killed_worker, calls, rng),
                "the scheduler is killed, and the same command again": partial(
                    killed_scheduler, calls, rng
                ),
                "a file ends every worker that opens it": partial(poisoned, calls, top),
            }
        else:
            yield Row("clusters", "the extra cluster is not installed", "", False, 0.0)
        for claim, trial in trials.items():
            began_s = time.monotonic()
            n_good = 0
            for number in range(n):
                target = top / f"rows-{number}-{len(claim)}.parquet"
                said = trial(target)
                is_good = target.exists() and same(target, top / "whole.parquet")
                n_good += is_good
                if not is_good:
                    print(f"    {said}", flush=True)
            yield Row(
                f"{claim}: the rows are those of one process, byte for byte",
                f"{n_good} of {n}",
                f"{n} of {n}",
                n_good == n,
                time.monotonic() - began_s,
            )


def same(one: Path, other: Path) -> bool:
    """Whether the rows of two archives are the same bytes."""
    return one.read_bytes() == other.read_bytes()


def killed_worker(calls: Path, rng: random.Random, target: Path) -> str:
    """``kill -9`` of a worker at a random moment."""
    arguments = command(calls, "--out", target, "--dask", "local:2")
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()  # that the workers are there
        time.sleep(rng.uniform(0.0, 3.0))
        with contextlib.suppress(ProcessLookupError, IndexError):
            os.kill(rng.choice(workers_of(process.pid)), signal.SIGKILL)
        return said + process.stderr.read()


def killed_scheduler(calls: Path, rng: random.Random, target: Path) -> str:
    """``kill -9`` of the scheduler at a random moment, then all of it again."""
    said = ""
    for is_killed in (True, False):
        with cluster(target.parent) as (address, scheduler):
            arguments = command(calls, "--out", target, "--dask", address)
            with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
                assert process.stderr is not None
                said += process.stderr.readline()
                if is_killed:
                    time.sleep(rng.uniform(0.0, 3.0))
                    scheduler.kill()
                said += process.stderr.read()
    return said


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run a scheduler and a worker with two threads as programs of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-c", "import sys; from dask.__main__ import main; main()"]
    here = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    logs = [folder / "scheduler.log", folder / "worker.log"]
    begun = []
    try:
        for log, arguments in zip(
            logs,
            (["scheduler", "--port", str(port), *here], ["worker", address, "--nthreads=2", *here]),
            strict=True,
        ):
            with log.open("wb") as written:
                begun.append(
                    subprocess.Popen([*dask, *arguments], stdout=written, stderr=subprocess.STDOUT)
                )
            _wait_for(log, b"Scheduler at" if log == logs[0] else b"Registered to")
        yield address, begun[0]
    finally:
        for process in reversed(begun):
            process.terminate()
        for process in begun:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
            process.wait()


def _wait_for(log: Path, word: bytes) -> None:
    deadline_s = time.monotonic() + _START_S
    while word not in log.read_bytes():
        if time.monotonic() > deadline_s:
            raise TimeoutError(log.read_text(encoding="utf-8", errors="replace")[-500:])
        time.sleep(0.1)


def poisoned(calls: Path, top: Path, target: Path) -> str:
    """One file among the others ends each process that opens it."""
    (top / "poison").mkdir(exist_ok=True)
    (top / "poison" / "sitecustomize.py").write_text(_POISON)
    poison = calls / "05-poison.wav"
    poison.write_bytes((calls / "05.wav").read_bytes())
    path = f"{top / 'poison'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    try:
        ended = subprocess.run(
            command(calls, "--out", target, "--dask", "local:2"),
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONPATH": path},
        )
    finally:
        poison.unlink()
    said = ended.stderr.decode()
    if "crashed the analyzer (ended by SIGKILL)" not in said:
        target.unlink(missing_ok=True)
    return said


def full_disk(calls: Path, target: Path) -> str:
    """No file may grow beyond a part's size; later it may."""

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (_FULL_BYTES, resource.RLIM_INFINITY))

    arguments = command(calls, "--out", target)
    ended = subprocess.run(arguments, capture_output=True, check=False, preexec_fn=full)
    said = ended.stderr.decode()
    if target.exists() or "cannot be written (file too large)" not in said:
        target.unlink(missing_ok=True)
        return said
    return f"{said}{undisturbed(arguments).stderr}"
