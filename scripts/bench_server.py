"""Measure the server from outside its process: latency that it adds, clients that it carries.

python scripts/bench_server.py [--minutes 25] [--clients 20] [--short 4,12] [--only PART]

Every latency is from sending the block that made an utterance known to receiving its final
result, on loopback. Each part is written as soon as it is measured, and one that was measured with
the same program and options on this machine is not measured again, so that an interrupted run goes
on; ``--again`` begins anew. All of it takes half an hour with 25 minutes of load. `make docs` makes
the tables of ``docs/server.md`` from it. These are measurements, not tests: on a busy machine they
vary, and its load stands beside.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import hashlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import bench
import server_load
import server_steps

ROOT = Path(__file__).parents[1]
SUPPORT = ROOT / "tests" / "support"
STALLED_CLIENTS = 4
N_LISTENERS = 100
STEPS_S, SHORT_S, STALLED_S, LISTENING_S = 150.0, 25.0, 24.0, 12.0
SETTLING_S = 4.0
"""Time in which a server starts its second process once it has a session, in seconds."""


@contextmanager
def _served(*options: str, notes: Path | None = None) -> Iterator[Any]:
    """A server whose processes are all there; with `notes` one that notes every moment."""
    sys.path.insert(0, str(SUPPORT))
    from served import serving

    folder = Path(tempfile.mkdtemp(prefix="ser-live-bench-"))
    program = ("-m", "ser_live")
    if notes is not None:
        program = (str(Path(server_steps.__file__)), str(notes))
    with serving(folder, *options, program=program) as served:
        with served.stream() as connection:
            connection.send('{"type":"start"}')
            time.sleep(SETTLING_S)
        yield served


def carried(
    n_clients: int, seconds: float, *, stalls: bool = False, notes: Path | None = None
) -> tuple[server_load.Load, dict[int, int], dict[str, Any]]:
    """Clients at real time: what they saw, the blocks that make utterances known, the figures."""
    clip = server_load.Clip.of_speech()
    n_blocks = round(seconds / clip.block_s)
    finals = clip.finals(n_blocks)
    with _served("--max-sessions", str(n_clients + 2), notes=notes) as served:
        found = asyncio.run(
            server_load.load(served.port, served.token, served.process.pid, clip, n_clients,
                             n_blocks, stalls=stalls)
        )  # fmt: skip
    return found, finals, server_load.summary(found, finals, seconds / 60)


def _figures(n_clients: int, seconds: float) -> dict[str, Any]:
    return carried(n_clients, seconds)[2]


def steps() -> dict[str, Any]:
    """One client's latency, taken apart, beside the plain analyzer at once and at real time."""
    notes = Path(tempfile.mkdtemp(prefix="ser-live-steps-"))
    found, finals, summary = carried(1, STEPS_S, notes=notes)
    clip = server_load.Clip.of_speech()
    n_blocks = round(STEPS_S / clip.block_s)
    return {
        **summary,
        **server_steps.taken_apart(notes, found, finals),
        "analyzer_at_once": clip.analyzed(n_blocks, is_paced=False),
        "analyzer_at_real_time": clip.analyzed(n_blocks, is_paced=True),
    }


def stalled() -> dict[str, Any]:
    """The others' latency without and with a client that sends and never reads."""
    return {
        name: carried(STALLED_CLIENTS, STALLED_S, stalls=stalls)[2]
        for name, stalls in (("alone", False), ("beside", True))
    }


def listeners() -> dict[str, Any]:
    """Share of a core that listeners of the server's own microphone cost."""
    shares = {}
    for n in (0, N_LISTENERS):
        with server_load.heard_server() as (port, pid):
            shares[n] = asyncio.run(server_load.listen(port, pid, n, LISTENING_S))
    return {
        "n": N_LISTENERS,
        "share_without": shares[0][0],
        "share_with": shares[N_LISTENERS][0],
        "n_records": shares[N_LISTENERS][1],
    }


def parts_of(arguments: argparse.Namespace) -> dict[str, Callable[[], Any]]:
    """What is to be measured, by name, the long one last."""
    counts = [int(n) for n in arguments.short.split(",") if n]
    found: dict[str, Callable[[], Any]] = {"steps": steps, "listeners": listeners}
    found["stalled"] = stalled
    for n in counts:
        found[f"load of {n}"] = partial(_figures, n, SHORT_S)
    found["load"] = partial(_figures, arguments.clients, arguments.minutes * 60)
    return {
        name: part
        for name, part in found.items()
        if arguments.only in (None, name) or name.startswith(f"{arguments.only} of ")
    }


def rows_of(parts: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Rows of the printed table."""
    rows: list[tuple[str, str, str, str]] = []
    if "steps" in parts:
        rows += rows_of_steps(parts["steps"])
    loads = [found for name, found in parts.items() if name.startswith("load")]
    for found in sorted(loads, key=lambda found: (found["minutes"], found["n_clients"])):
        rows += rows_of_load(found)
    if "stalled" in parts:
        found = parts["stalled"]
        alone, beside = found["alone"]["p95_ms"], found["beside"]["p95_ms"]
        rows.append(
            (f"{STALLED_CLIENTS} clients beside a stalled reader", "", f"{beside:.1f} ms",
             f"{alone:.1f} ms without")
        )  # fmt: skip
    if "listeners" in parts:
        found = parts["listeners"]
        cost = found["share_with"] - found["share_without"]
        rows.append((f"{N_LISTENERS} listeners, of a core", f"{cost:.1%}", "", "<= 10 %"))
    return rows


def rows_of_steps(found: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Rows about one client."""

    def row(name: str, values: dict[str, float], bar: str = "") -> tuple[str, str, str, str]:
        return name, f"{values['p50_ms']:.2f} ms", f"{values['p95_ms']:.2f} ms", bar

    return [
        row("1 client: final result", found),
        *(row(f"    {name}", found["steps"][name]) for name in server_steps.STEPS.values()),
        row("    all but the analysis", found["path"], "p95 <= 5 ms"),
        row("Analyzer alone, at real time", found["analyzer_at_real_time"]),
        row("Analyzer alone, at once", found["analyzer_at_once"]),
    ]


def rows_of_load(found: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Rows about one number of clients."""
    n, beyond = found["n_clients"], found["beyond"]
    name = f"{n} client{'s' if n > 1 else ''}, {found['minutes']:.3g} min"
    return [
        (f"{name}: final result", f"{found['p50_ms']:.1f} ms", f"{found['p95_ms']:.1f} ms",
         "p95 <= 250 ms"),
        ("    beyond judging the utterance", f"{beyond['p50_ms']:.1f} ms",
         f"{beyond['p95_ms']:.1f} ms", ""),
        ("    closed or refused; finals missing", f"{found['n_closed']}; {found['n_missing']}", "",
         "0; 0"),
        ("    partial results given up", f"{found['dropped_share']:.1%}", "", ""),
        ("    loop lag, p99", f"{found['loop_lag_p99_ms']:.1f} ms", "", "<= 20 ms"),
        ("    processor time, a client and minute", f"{found['cpu_s_per_minute']:.2f} s", "", ""),
        ("    memory, all its processes", f"{found['memory_mb']:.0f} MB", "", ""),
    ]  # fmt: skip


def _write(path: Path, data: dict[str, Any]) -> None:
    """Write all or nothing."""
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def _run_of(arguments: argparse.Namespace) -> str:
    """Name of a run, the same only for the same program, options and machine."""
    digest = hashlib.sha256(platform.node().encode())
    for path in sorted((ROOT / "ser_live").rglob("*.py")):
        digest.update(path.read_bytes())
    options = (arguments.minutes, arguments.clients, arguments.short)
    digest.update(repr(options).encode())
    return digest.hexdigest()[:12]


def main() -> None:
    """Measure what is missing, write each part at once, print all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=ROOT / "docs" / "server_load.json")
    parser.add_argument("--minutes", type=float, default=25.0, help="time of the load (25)")
    parser.add_argument("--clients", type=int, default=20, help="clients of the load (20)")
    parser.add_argument("--short", default="4,12", help="clients of the short loads (4,12)")
    parser.add_argument("--only", choices=("steps", "load", "listeners", "stalled"))
    parser.add_argument("--again", action="store_true", help="measure anew what was measured")
    arguments = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    run = _run_of(arguments)
    data: dict[str, Any] = {"run": run, "cores": os.cpu_count(), "parts": {}}
    if arguments.json.exists() and not arguments.again:
        before = json.loads(arguments.json.read_text(encoding="utf-8"))
        data = before if before["run"] == run else data
    for name, part in parts_of(arguments).items():
        if name in data["parts"]:
            print(f"{name}: measured before", file=sys.stderr)
            continue
        print(f"{name} …", file=sys.stderr, flush=True)
        load_before = os.getloadavg()[0]
        found = part()
        found["load_average_before"] = load_before
        found["measured_on"] = dt.date.today().isoformat()
        data["parts"][name] = found
        _write(arguments.json, data)
    bench.show(rows_of(data["parts"]))
    busiest = max(found["load_average_before"] for found in data["parts"].values())
    print(f"load of the machine before, at the most: {busiest:.1f} (quiet: below 0.5)")
    print(f"as JSON: {arguments.json}")


if __name__ == "__main__":
    main()
