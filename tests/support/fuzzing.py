"""A bounded fuzzer: mutated inputs against a target in a child process of its own.

Nothing but a result or an `SerLiveError` may come of any input. What else happens is an
escape: another exception, a crash of the process, more memory than `MEMORY_BYTES`, no
answer within `TIME_LIMIT_S`, or a library that prints what it found past the program.
Input number n of a target is always the same, so an escape can be made again from its
number alone.

``python tests/support/fuzzing.py TARGET [N]`` runs one target by hand; with ``--keep`` it adds what
escaped, and one input for each way of being refused, to the corpus.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fuzz_mutations import mutated
from places import CORPUS

"""One folder a target: good and interesting inputs, and everything that ever escaped."""

MEMORY_BYTES = 1 << 30
"""Address space that a child may take beyond what it has when it begins."""
TIME_LIMIT_S = 30.0
"""Longest wait for one input; generous, for the machine may be busy."""
START_LIMIT_S = 300.0
"""Longest wait for a child to import what it needs."""
MAX_ESCAPES = 200
"""A target with more escapes than this is given up."""

MAX_KEPT = 15
"""Inputs that are added to a corpus at a time."""
MAX_KEPT_BYTES = 3000

_NOT_BEGUN = -1
_PROGRESS = struct.Struct("<4q")  # index in hand, results, refusals, peak kB


@dataclass(frozen=True)
class Target:
    """Something that takes input from outside."""

    name: str
    try_out: Callable[[bytes, Path], None]
    """Feeds one input, in an empty folder that it may use; raises what the input causes."""
    refusals: tuple[type[BaseException], ...]
    """Exceptions that say no in one sentence."""
    is_text: bool = False
    tokens: Sequence[bytes] = ()
    may_print: bool = False
    """Whether printing is among its results."""
    module: str = "fuzz_targets"
    """Where a child finds it, in ``TARGETS``."""
    corpus_of: str | None = None
    """Folder of its stored inputs; by default that of its name."""

    more: Callable[[], list[bytes]] = list
    """Further inputs to begin with, kept elsewhere in the project."""
    mutate: Callable[[Sequence[bytes], random.Random], bytes] | None = None
    """Mutation that knows the structure of the inputs; by default one that does not."""

    @property
    def folder(self) -> Path:
        return CORPUS / (self.corpus_of or self.name)

    def corpus(self) -> list[Path]:
        """The stored inputs, sorted by name."""
        return sorted(path for path in self.folder.iterdir() if path.is_file())

    def seeds(self) -> list[bytes]:
        """All inputs to begin with."""
        return [path.read_bytes() for path in self.corpus()] + self.more()

    def make_input(self, number: int, seeds: Sequence[bytes]) -> bytes:
        """Input `number`: the stored ones first, as they are, then mutations of them."""
        if number < len(seeds):
            return seeds[number]
        # Seeded by name and number, so that any input can be made again alone.
        rng = random.Random(f"{self.name} {number}")
        if self.mutate is not None:
            return self.mutate(seeds, rng)
        return mutated(seeds, rng, self.tokens, is_text=self.is_text)


@dataclass(frozen=True)
class Escape:
    """An input that led to neither a result nor a refusal."""

    number: int
    what: str
    data: bytes


@dataclass
class Outcome:
    """What a run of one target gave."""

    n_inputs: int = 0
    n_results: int = 0
    n_refused: int = 0
    peak_bytes: int = 0
    """Most memory the child had in use."""
    seconds: float = 0.0
    escapes: list[Escape] = field(default_factory=list)


def fuzz(
    target: Target, n_inputs: int, *, first: int = 0, time_limit_s: float = TIME_LIMIT_S
) -> Outcome:
    """Give a target inputs `first` to ``first + n_inputs - 1``.

    A child that dies or hangs is replaced; the next one goes on behind the input that did it.
    """
    began_s = time.monotonic()
    outcome = Outcome(n_inputs=n_inputs)
    seeds = target.seeds()
    end = first + n_inputs
    while first < end and len(outcome.escapes) < MAX_ESCAPES:
        first = _run_child(target, first, end, seeds, outcome, time_limit_s)
    outcome.n_inputs -= end - first
    outcome.seconds = time.monotonic() - began_s
    return outcome


def _run_child(
    target: Target,
    first: int,
    end: int,
    seeds: Sequence[bytes],
    outcome: Outcome,
    time_limit_s: float,
) -> int:
    """Run one child; returns the number of the input that comes next."""
    with tempfile.TemporaryDirectory() as folder:
        progress, escapes, output = (Path(folder) / n for n in ("progress", "escapes", "output"))
        progress.write_bytes(_PROGRESS.pack(_NOT_BEGUN, 0, 0, 0))
        escapes.touch()
        with output.open("wb") as said:
            child = subprocess.Popen(
                [
                    *(sys.executable, __file__, "--child", target.module, target.name),
                    *(str(first), str(end), folder),
                ],
                stdout=said,
                stderr=said,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
            hung = not _ends_in_time(child, progress, time_limit_s)
        number, n_results, n_refused, peak_kb = _PROGRESS.unpack(progress.read_bytes())
        number = max(number, first)
        outcome.n_results += n_results
        outcome.n_refused += n_refused
        outcome.peak_bytes = max(outcome.peak_bytes, peak_kb * 1024)
        for line in escapes.read_text().splitlines():
            escaped, what = json.loads(line)
            outcome.escapes.append(Escape(escaped, what, target.make_input(escaped, seeds)))
        if number >= end and child.returncode == 0:
            return end
        tail = output.read_text(errors="replace")[-2000:]
        what = f"no answer within {time_limit_s:.0f} s" if hung else f"exit {child.returncode}"
        outcome.escapes.append(Escape(number, f"{what}\n{tail}", target.make_input(number, seeds)))
        return number + 1


def _ends_in_time(child: subprocess.Popen[bytes], progress: Path, time_limit_s: float) -> bool:
    """Wait for the child as long as it moves on; end it when it does not."""
    seen, seen_at_s = _NOT_BEGUN, time.monotonic()
    while child.poll() is None:
        time.sleep(0.05)
        number = _PROGRESS.unpack(progress.read_bytes())[0]
        limit_s = START_LIMIT_S if number == _NOT_BEGUN else time_limit_s
        if number != seen:
            seen, seen_at_s = number, time.monotonic()
        elif time.monotonic() - seen_at_s > limit_s:
            child.kill()
            child.wait()
            return False
    return True


def _child(module: str, name: str, first: int, end: int, folder: str) -> None:
    import mmap
    import resource

    target: Target = importlib.import_module(module).TARGETS[name]
    seeds = target.seeds()
    with tempfile.TemporaryDirectory(dir=_quick_folder()) as work:
        attempt(target, seeds[0], Path(work))  # imports, before memory is counted
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE
        resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY_BYTES, resource.RLIM_INFINITY))
        n_results = n_refused = 0
        with (
            (Path(folder) / "progress").open("r+b") as file,
            mmap.mmap(file.fileno(), 0) as shared,
            (Path(folder) / "escapes").open("w") as escapes,
        ):
            for number in range(first, end):
                _PROGRESS.pack_into(shared, 0, number, n_results, n_refused, _peak_kb())
                said = attempt(target, target.make_input(number, seeds), Path(work))
                if not target.may_print and _has_printed():
                    said = AssertionError("printed past the program")
                if said is None:
                    n_results += 1
                elif isinstance(said, target.refusals):
                    n_refused += 1
                else:
                    escapes.write(json.dumps([number, _story(said)]) + "\n")
                    escapes.flush()
            _PROGRESS.pack_into(shared, 0, end, n_results, n_refused, _peak_kb())


def attempt(target: Target, data: bytes, folder: Path) -> BaseException | None:
    """What one input raises; a refusal without a word is an error of its own."""
    try:
        target.try_out(data, folder)
    except target.refusals as error:
        if not (str(error) or getattr(error, "message", "")):
            return AssertionError(f"a refusal that says nothing: {error!r}")
        return error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return error
    return None


def _has_printed() -> bool:
    """Whether anything came out since the last call; output goes into a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.lseek(1, 0, os.SEEK_END) == 0:
        return False
    os.ftruncate(1, 0)
    os.lseek(1, 0, os.SEEK_SET)
    return True


def _story(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))
    return f"{type(error).__name__}: {str(error)[:300]} [{where}]"


def _peak_kb() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _quick_folder() -> str | None:
    memory = Path("/dev/shm")  # noqa: S108  a name is made up in it
    return str(memory) if memory.is_dir() else None


def keep(target: Target, n_inputs: int) -> None:
    """Add to the corpus one small input for each new way of escaping or being refused."""
    seeds = target.seeds()
    known: set[str] = set()
    with tempfile.TemporaryDirectory(dir=_quick_folder()) as work:
        for number in range(n_inputs):
            data = target.make_input(number, seeds)
            said = attempt(target, data, Path(work))
            escaped = said is not None and not isinstance(said, target.refusals)
            way = _way(said, escaped=escaped)
            if way in known or (len(data) > MAX_KEPT_BYTES and not escaped):
                continue
            known.add(way)
            if number >= len(seeds) and len(known) <= MAX_KEPT:
                kind = "escaped" if escaped else "kept"
                path = target.folder / f"{kind}_{hashlib.sha256(data).hexdigest()[:8]}"
                path.write_bytes(data)
                print(f"{path.name}: {way[:150]}")


def _way(said: BaseException | None, *, escaped: bool) -> str:
    """What is the same of inputs that lead to the same end."""
    if said is None:
        return "result"
    if escaped:
        return _story(said).split(": ")[0] + _story(said).split("[")[-1]
    text = str(said) or getattr(said, "message", "")
    text = re.sub(r"'.*?'|\"[^\"]*\"|/\S+", "", re.sub(r"\d+", "0", text), flags=re.DOTALL)
    return f"{type(said).__name__} {' '.join(text.split()[:9])}"


def main() -> int:
    """Run one target and tell what came of it."""
    if sys.argv[1:2] == ["--child"]:
        module, name, first, end, folder = sys.argv[2:]
        _child(module, name, int(first), int(end), folder)
        return 0
    import fuzz_targets

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", choices=list(fuzz_targets.TARGETS))
    parser.add_argument("n_inputs", type=int, nargs="?", default=2000)
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    target = fuzz_targets.TARGETS[arguments.target]
    if arguments.keep:
        keep(target, arguments.n_inputs)
        return 0
    outcome = fuzz(target, arguments.n_inputs)
    stories: dict[str, list[Escape]] = {}
    for escape in outcome.escapes:
        stories.setdefault(escape.what.split("[")[-1] + escape.what[:40], []).append(escape)
    for same in stories.values():
        print(f"{len(same)} x  #{same[0].number}  {same[0].what}\n    {same[0].data[:300]!r}")
    print(
        f"{target.name}: {outcome.n_inputs} inputs, {outcome.n_results} results, "
        f"{outcome.n_refused} refused, {len(outcome.escapes)} escapes, "
        f"{outcome.seconds:.1f} s, {outcome.peak_bytes / 2**20:.0f} MiB"
    )
    return 1 if outcome.escapes else 0


if __name__ == "__main__":
    sys.exit(main())
