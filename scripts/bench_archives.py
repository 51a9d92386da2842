"""Measure what an archive costs: processor seconds an hour of audio, beside peers, on one thread.

Every contestant is a process of its own that is given the same files one after the other; they
take turns file by file, so that a busy moment of the machine meets all of them. Of several rounds
the least processor time counts, file by file. Start and loading are measured apart: an archive
pays them once.

    python scripts/bench_archives.py FOLDER --old ../older-checkout --peers PEERS/bin/python

Contestants are both models of this checkout, both of the older one that ``--old`` names, and from
``bench_archives_peers.py`` openSMILE's eGeMAPSv02 with a linear support vector machine, and a plain
loop over the Whisper-base encoder. Without sources the recordings of the demos are taken.
``--jobs 2`` measures the whole command with one process and with two besides: it wants a quiet
machine with two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PEERS = Path(__file__).with_name("bench_archives_peers.py")
MODELS = ("ear", "classic")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass
class Contestant:
    """A process that works on the files it is told, and what that cost."""

    name: str
    process: subprocess.Popen[str]
    start_cpu_s: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)
    """Least processor time of each file, in seconds."""
    n_results: dict[str, int] = field(default_factory=dict)
    memory_mb: float = 0.0

    def answer(self) -> dict[str, Any]:
        """Next line it prints, as JSON."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise EOFError(f"{self.name} ended with exit code {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def work(self, path: str) -> None:
        """Let it work on a file."""
        assert self.process.stdin is not None
        print(path, file=self.process.stdin, flush=True)
        found = self.answer()
        self.cpu_s[path] = min(found["cpu_s"], self.cpu_s.get(path, float("inf")))
        self.n_results[path] = found["n_results"]

    def end(self) -> None:
        """Look at its memory, and end it."""
        with (Path("/proc") / str(self.process.pid) / "status").open() as status:
            peak = next(line for line in status if line.startswith("VmHWM"))
        self.memory_mb = int(peak.split()[1]) / 1024
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sources", nargs="*", type=Path, help="recordings, or folders of them")
    parser.add_argument("--old", type=Path, help="an older checkout, to measure beside this one")
    parser.add_argument("--peers", type=Path, help="python of the environment with the peers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, help="also the whole command with so many processes")
    parser.add_argument("--json", type=Path, default=ROOT / ".cache" / "bench-archives.json")
    parser.add_argument("--serve", choices=MODELS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    paths = recordings(arguments.sources or sorted((ROOT / "ser_live").rglob("*.ogg")))
    hours = sum(map(duration_s, paths)) / 3600
    contestants, lacking = started(arguments.old, arguments.peers)
    for turn in range(arguments.rounds):
        for number, path in enumerate(paths):
            first = (turn + number) % len(contestants)
            for contestant in contestants[first:] + contestants[:first]:
                contestant.work(path)
    for contestant in contestants:
        contestant.end()
    result = {
        "n_files": len(paths),
        "audio_s": round(hours * 3600, 1),
        "rounds": arguments.rounds,
        "contestants": {c.name: figures(c, hours) for c in contestants},
        "lacking": lacking,
        "jobs": side_by_side(paths, arguments.jobs) if arguments.jobs else {},
    }
    show(result)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    print(f"as JSON: {arguments.json}")


def recordings(sources: list[Path]) -> list[str]:
    """Paths of all recordings that are named or below folders that are."""
    from ser_live.batch.folders import find_audio_files

    return [str(path) for path in find_audio_files(sources).files]


def duration_s(path: str) -> float:
    """Length of a recording in seconds."""
    import soundfile

    return float(soundfile.info(path).duration)


def started(old: Path | None, peers: Path | None) -> tuple[list[Contestant], list[str]]:
    """Contestants that are ready, and sentences about those that cannot take part."""
    own = [sys.executable, str(Path(__file__).resolve()), "--serve"]
    commands: dict[str, tuple[list[str], Path]] = {m: ([*own, m], ROOT) for m in MODELS}
    if old is not None:
        commands |= {f"{m}, old": ([*own, m], old.resolve()) for m in MODELS}
    lacking = [] if old is not None else ["no older checkout was named: give --old PATH."]
    if peers is not None and peers.exists():
        for name in ("eGeMAPS + SVM", "Whisper-base"):
            commands[name] = ([str(peers), str(PEERS), name], ROOT)
    else:
        lacking.append("the peers are not installed: make bench installs them.")
    ready = []
    for name, (command, tree) in commands.items():
        process = subprocess.Popen(
            command,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(tree)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        contestant = Contestant(name, process)
        try:
            contestant.start_cpu_s = contestant.answer()["cpu_s"]
        except EOFError as error:
            lacking.append(f"{error}.")
        else:
            ready.append(contestant)
    return ready, lacking


def serve(model_name: str) -> None:
    """Be a contestant: a model of the tree that stands first on the path."""
    import ser_live

    if ROOT in Path(ser_live.__file__).parents and os.environ["PYTHONPATH"] != str(ROOT):
        sys.exit("this checkout was loaded instead of the older one")
    n_utterances = hearing(model_name)
    print(json.dumps({"cpu_s": time.process_time()}), flush=True)
    for line in sys.stdin:
        begin_s = time.process_time()
        n_results = n_utterances(line.rstrip("\n"))
        spent_s = time.process_time() - begin_s
        print(json.dumps({"cpu_s": spent_s, "n_results": n_results}), flush=True)


def hearing(model_name: str) -> Callable[[str], int]:
    """Get ready to analyze a recording and to count its utterances, as the tree does it."""
    batch = import_module("ser_live.batch")
    settings = import_module("ser_live.config").Settings()
    if not hasattr(batch, "__path__"):  # a tree of before archives
        old = import_module("ser_live.model").EmotionModel.load(model_name)
        return lambda path: len(batch.analyze_file(Path(path), old, settings, None).results)
    hear = import_module("ser_live.batch.recording").hear
    model = import_module("ser_live.model.emotion_model").EmotionModel.load(model_name)
    import_module("ser_live.stream.analysis").warm_up(model)
    return lambda path: len(hear(path, model=model, settings=settings)[0].utterances)


def figures(contestant: Contestant, hours: float) -> dict[str, float]:
    """Cost and results of one contestant."""
    return {
        "cpu_s_per_hour": round(sum(contestant.cpu_s.values()) / hours, 2),
        "start_cpu_s": round(contestant.start_cpu_s, 2),
        "memory_mb": round(contestant.memory_mb, 1),
        "n_results": sum(contestant.n_results.values()),
    }


def side_by_side(paths: list[str], n_jobs: int) -> dict[str, dict[str, float]]:
    """Wall and processor seconds of the whole command with one process, and with several."""
    measured = {}
    for n in (1, n_jobs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begin_s = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "ser_live", "analyze", *paths, "--jobs", str(n), "-f", "jsonl"],
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,  # a file that cannot be read costs what it costs
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        measured[str(n)] = {
            "wall_s": round(time.perf_counter() - begin_s, 2),
            "cpu_s": round(spent_s, 2),
        }
    return measured


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    found = result["contestants"]
    table = Table(box=None, pad_edge=False)
    table.add_column(f"{result['n_files']} files, {result['audio_s'] / 60:.1f} min, one thread")
    for heading in ("CPU s an hour", "times ear's", "times classic's", "start", "memory"):
        table.add_column(heading, justify="right")
    for name, values in found.items():
        cost = values["cpu_s_per_hour"]
        table.add_row(
            name,
            f"{cost:.1f}",
            *(f"{cost / found[model]['cpu_s_per_hour']:.2f}" for model in MODELS),
            f"{values['start_cpu_s']:.1f} s",
            f"{values['memory_mb']:.0f} MB",
        )
    console = Console(width=100)
    console.print(table)
    for sentence in result["lacking"]:
        console.print(sentence, markup=False)
    for n, spent in result["jobs"].items():
        console.print(f"--jobs {n}: {spent['wall_s']:.1f} s, {spent['cpu_s']:.1f} s of processors")


if __name__ == "__main__":
    main()
