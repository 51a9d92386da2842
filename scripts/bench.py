"""Measure speed and size, print them as a table and write them as JSON.

Every figure is taken on one core (the process pins itself where the system
allows it) and stands next to its bar. The peers (openSMILE eGeMAPS, librosa
pyin + MFCC, Praat) run on the same clip in the same run, from an environment of
their own that `make bench` makes; without them their rows say so.

These are measurements, not tests: on a busy machine they vary.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bench_history

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "ser_live" / "demo.ogg"
PEERS = Path(__file__).with_name("bench_peers.py")


def percentile(values: list[float], share: float) -> float:
    """Value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def start_to_listening_s(n_runs: int) -> list[float]:
    """Seconds from starting a fresh process to its stream being open.

    With bytecode, as an installation has it: where PYTHONDONTWRITEBYTECODE keeps a checkout
    without, each start compiles every module again, and would be measured with it.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(ROOT / ".cache" / "bytecode")
    times = []
    for _ in range(n_runs + 1):
        begin = time.perf_counter()
        command = [sys.executable, "-m", "ser_live", "replay", str(DEMO), "--format", "jsonl"]
        with subprocess.Popen(
            [*command, "--no-log"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if '"stream_started"' in line:
                    times.append(time.perf_counter() - begin)
                    break
            process.kill()
    return times[1:]  # the first one made the bytecode


def in_fresh_process(expression: str) -> Any:
    """Evaluate ``bench.<expression>`` in a new interpreter, so that memory starts at nothing."""
    code = f"import json, bench; print(json.dumps(bench.{expression}))"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'scripts'}{os.pathsep}{ROOT}"}
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
    )
    return json.loads(result.stdout.splitlines()[-1])


def memory_mb() -> float:
    """Memory of this process at present, MB (resident set)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def live(kind: str, duration_s: float) -> dict[str, Any]:
    """Replay at real time with the dashboard drawn into memory; latency and load."""
    import numpy as np
    import soundfile
    from rich.console import Console

    from ser_live.config import Settings
    from ser_live.events import EmotionResult, Kind
    from ser_live.model.emotion_model import EmotionModel
    from ser_live.outputs.dashboard.sink import DashboardSink
    from ser_live.process.native_memory import give_back_early
    from ser_live.session.live import POLL_S, LiveSession
    from ser_live.sources import FileSource

    give_back_early()  # as the program does
    if kind == "speech":
        samples, rate = continuous_speech(duration_s)
    else:
        rate = 16_000
        samples = 1e-3 * np.random.default_rng(0).standard_normal(int(rate * duration_s))
    clip = ROOT / ".cache" / f"bench-{kind}.flac"
    clip.parent.mkdir(exist_ok=True)
    soundfile.write(clip, samples, rate)
    model = EmotionModel.load()
    latencies_ms: list[float] = []
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=24)
    dashboard = DashboardSink(console)
    dashboard.open()
    with contextlib.closing(dashboard):
        begin_wall, begin_cpu = time.perf_counter(), time.process_time()
        source = FileSource(clip, speed=1.0)
        with LiveSession([source], model, Settings(), with_levels=True) as session:
            while not session.finished:
                for event in session.poll(POLL_S):
                    dashboard.take(event)
                    if isinstance(event, EmotionResult) and event.kind is Kind.FINAL:
                        latencies_ms.append(event.latency_ms)
                dashboard.idle(time.monotonic())
    wall = time.perf_counter() - begin_wall
    return {
        "cpu_share": (time.process_time() - begin_cpu) / wall,
        "latencies_ms": latencies_ms,
        "memory_mb": memory_mb(),
    }


def continuous_speech(duration_s: float) -> tuple[Any, int]:
    """Utterances of about 3 s with the shortest pauses that still separate them."""
    import numpy as np
    import soundfile

    demo, rate = soundfile.read(DEMO)
    n = int(3.0 * rate)
    pause = np.zeros(int(0.7 * rate))
    starts = range(rate, len(demo) - n, n)
    parts = [part for start in starts for part in (demo[start : start + n], pause)]
    once = np.concatenate(parts)
    repeats = int(np.ceil(duration_s * rate / len(once)))
    return np.tile(once, repeats)[: int(duration_s * rate)], rate


def replay_speed(n_loops: int, model_name: str) -> dict[str, float]:
    """Times real time at speed 0, and memory before and after."""
    import soundfile

    from ser_live.config import Settings
    from ser_live.model.emotion_model import EmotionModel
    from ser_live.process.native_memory import give_back_early
    from ser_live.session.live import POLL_S, LiveSession
    from ser_live.sources import FileSource

    give_back_early()  # as the program does
    model = EmotionModel.load(model_name)
    settings = Settings()
    audio_s = soundfile.info(DEMO).duration

    def loop(n: int) -> None:
        with LiveSession([FileSource(DEMO, speed=0) for _ in range(n)], model, settings) as session:
            while not session.finished:
                session.poll(POLL_S)

    loop(8)  # until caches and buffers have their size
    before = memory_mb()
    begin = time.perf_counter()
    loop(n_loops)
    wall = time.perf_counter() - begin
    return {
        "times_real_time": n_loops * audio_s / wall,
        "audio_s": n_loops * audio_s,
        "memory_before_mb": before,
        "memory_after_mb": memory_mb(),
    }


def analysis_of_3_s() -> dict[str, Any]:
    """Parts of the analysis of one 3 s clip from nothing, next to the peers' figures."""
    import soundfile

    from ser_live.audio import StreamConverter
    from ser_live.features import extract
    from ser_live.model.emotion_model import EmotionModel
    from ser_live.model.inputs import whole_input

    demo, rate = soundfile.read(DEMO, dtype="float32", always_2d=True)
    converter = StreamConverter(rate, demo.shape[1])
    samples = converter.push(demo[rate : 4 * rate])
    model = EmotionModel.load()
    encoder = model.encoder
    assert encoder is not None
    x = whole_input(samples, encoder)
    return {
        "extract_ms": repeat_ms(lambda: extract(samples)),
        "encode_ms": repeat_ms(lambda: encoder.embed(samples)),
        "predict_ms": repeat_ms(lambda: model.predict_proba(x)),
    }


def repeat_ms(work: Callable[[], object], n: int = 30) -> list[float]:
    """Wall milliseconds of `n` runs after two warm-ups."""
    for _ in range(2):
        work()
    times = []
    for _ in range(n):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1e3)
    return times


def report_of_a_day() -> dict[str, Any]:
    """Seconds from a fresh process to the report of 8 hours, and its size."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from long_session import long_session

    folder = ROOT / ".cache"
    folder.mkdir(exist_ok=True)
    n_utterances = 6000
    log = long_session(folder / "bench-day.jsonl", n_utterances, partials=3)
    page = folder / "bench-day.html"
    command = [sys.executable, "-m", "ser_live", "report", str(log), "--overwrite", "-o", str(page)]
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - begin)
    return {"seconds": times, "n_utterances": n_utterances, "n_bytes": page.stat().st_size}


def peers(python: Path | None) -> dict[str, list[float]] | str:
    """Milliseconds of each peer on the 3 s clip, or why there are none."""
    if python is None or not python.exists():
        return "peers not installed: run `make bench`, which needs a package registry once"
    result = subprocess.run(
        [python, PEERS, DEMO], check=False, capture_output=True, text=True, cwd=ROOT
    )
    if result.returncode != 0:
        return f"peers failed: {result.stderr.strip().splitlines()[-1]}"
    times: dict[str, list[float]] = json.loads(result.stdout.splitlines()[-1])
    return times


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=ROOT / "docs" / "bench.json")
    parser.add_argument("--peers", type=Path, help="python of the environment with the peers")
    parser.add_argument("--quick", action="store_true", help="short runs, no hour of replay")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

    duration_s = 20.0 if arguments.quick else 60.0
    starts = start_to_listening_s(3 if arguments.quick else 7)
    speech = in_fresh_process(f"live('speech', {duration_s})")
    silence = in_fresh_process(f"live('silence', {duration_s})")
    replay = in_fresh_process(f"replay_speed({2 if arguments.quick else 40}, 'ear')")
    classic = in_fresh_process(f"replay_speed({2 if arguments.quick else 8}, 'classic')")
    analysis = in_fresh_process("analysis_of_3_s()")
    day = in_fresh_process("report_of_a_day()")
    peer_times = peers(arguments.peers)
    history = bench_history.measure(1000 if arguments.quick else 10_000)

    latencies = speech["latencies_ms"]
    median = statistics.median(latencies)
    growth = replay["memory_after_mb"] - replay["memory_before_mb"]
    rows: list[tuple[str, str, str, str]] = [
        ("final result after a 3 s utterance", f"{median:.0f} ms",
         f"{percentile(latencies, 0.95):.0f} ms", "p95 <= 80 ms"),
        ("first utterance / median", f"{latencies[0] / median:.2f}", "", "<= 1.5"),
        ("cold start to listening", f"{statistics.median(starts):.2f} s",
         f"{percentile(starts, 0.95):.2f} s", "<= 2 s"),
        ("load, continuous speech, dashboard", f"{speech['cpu_share']:.1%}", "", "<= 10 %"),
        ("load, silence, dashboard", f"{silence['cpu_share']:.1%}", "", "<= 3 %"),
        ("memory, live", f"{speech['memory_mb']:.0f} MB", "", "<= 300 MB"),
        ("replay at speed 0", f"{replay['times_real_time']:.0f} x real time", "", ""),
        ("the same, model classic", f"{classic['times_real_time']:.0f} x real time", "", ">= 40 x"),
        ("memory of ear beyond classic",
         f"{replay['memory_before_mb'] - classic['memory_before_mb']:.0f} MB", "", "<= 80 MB"),
        (f"memory growth over {replay['audio_s'] / 60:.0f} min of replay",
         f"{growth:+.1f} MB", "", "about 0"),
        (f"report of 8 h, {day['n_utterances']} utterances",
         f"{statistics.median(day['seconds']):.1f} s", "", "<= 3 s"),
        ("size of that page", f"{day['n_bytes'] / 1e6:.2f} MB", "", "<= 1 MB"),
    ]  # fmt: skip
    parts = (
        ("features of 3 s, from nothing", "extract_ms"),
        ("learned encoder, 3 s", "encode_ms"),
        ("model", "predict_ms"),
    )
    for name, key in parts:
        rows.append(
            (name, f"{statistics.median(analysis[key]):.1f} ms",
             f"{percentile(analysis[key], 0.95):.1f} ms", "")
        )  # fmt: skip
    rows += bench_history.rows(history)
    if isinstance(peer_times, str):
        rows.append((peer_times, "", "", ""))
    else:
        own = statistics.median(analysis["extract_ms"])
        for name, times in peer_times.items():
            middle = statistics.median(times)
            rows.append(
                (f"peer: {name}", f"{middle:.1f} ms", f"{percentile(times, 0.95):.1f} ms",
                 f"{middle / own:.1f} x ser-live's")
            )  # fmt: skip
    show(rows)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(
        json.dumps(
            {
                "rows": [dict(zip(("what", "median", "p95", "bar"), r, strict=True)) for r in rows],
                "start_s": starts,
                "speech": speech,
                "silence": silence,
                "replay": replay,
                "replay_classic": classic,
                "analysis": analysis,
                "report_of_a_day": day,
                "peers": peer_times,
                "history": history,
            },
            indent=1,
        )
    )
    print(f"as JSON: {arguments.json}")


def show(rows: list[tuple[str, str, str, str]]) -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("measured on one core")
    for heading in ("median", "p95", "bar"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
