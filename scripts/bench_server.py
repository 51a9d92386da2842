"""Measure the server from outside its process: latency that it adds, clients that it carries.

python scripts/bench_server.py [--minutes 25] [--clients 1,12,20]

Every latency is from sending the block that made an utterance known to receiving its final
result, on loopback, and stands beside what `Analyzer` takes for the same block in this process.
These are measurements, not tests: on a busy machine they vary, and the load is printed beside.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import bench
import server_load

ROOT = Path(__file__).parents[1]
SUPPORT = ROOT / "tests" / "support"
STALLED_CLIENTS = 4
N_LISTENERS = 100


def carried(n_clients: int, minutes: float, *options: str) -> dict[str, Any]:
    """Clients at real time for some minutes: latencies, closes, lag, processor time, memory."""
    clip = server_load.Clip.of_speech()
    n_blocks = round(minutes * 60 / clip.block_s)
    reference = clip.reference(n_blocks)
    with _served("--max-sessions", str(n_clients + 1), *options) as served:
        found = asyncio.run(
            server_load.load(served.port, served.token, served.process.pid, clip, n_clients,
                             n_blocks)
        )  # fmt: skip
    return server_load.summary(found, reference, minutes)


def stalled(minutes: float) -> dict[str, Any]:
    """The others' latency without and with a client that sends and never reads."""
    clip = server_load.Clip.of_speech()
    n_blocks = round(minutes * 60 / clip.block_s)
    reference = clip.reference(n_blocks)
    results = {}
    for name, stalls in (("alone", False), ("beside", True)):
        with _served() as served:
            found = asyncio.run(
                server_load.load(served.port, served.token, served.process.pid, clip,
                                 STALLED_CLIENTS, n_blocks, stalls=stalls)
            )  # fmt: skip
        results[name] = server_load.summary(found, reference, minutes)
    return results


def listeners(seconds: float) -> dict[str, Any]:
    """Share of a core that listeners of the server's own microphone cost."""
    shares = {}
    for n in (0, N_LISTENERS):
        with server_load.heard_server() as (port, pid):
            shares[n] = asyncio.run(server_load.listen(port, pid, n, seconds))
    return {
        "n": N_LISTENERS,
        "share_without": shares[0][0],
        "share_with": shares[N_LISTENERS][0],
        "n_records": shares[N_LISTENERS][1],
    }


def _served(*options: str) -> Any:
    sys.path.insert(0, str(SUPPORT))
    from served import serving

    return serving(Path(tempfile.mkdtemp(prefix="ser-live-bench-")), *options)


def rows_of_load(found: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Rows of the table about one number of clients."""
    n = found["n_clients"]
    name = f"{n} client{'s' if n > 1 else ''}, {found['minutes']:g} min"
    return [
        (f"{name}: final result", f"{found['p50_ms']:.1f} ms", f"{found['p95_ms']:.1f} ms",
         "p95 <= 250 ms" if n > 1 else ""),
        ("    beyond the analysis itself", f"{found['added_p50_ms']:.1f} ms",
         f"{found['added_p95_ms']:.1f} ms", "p95 <= 5 ms" if n == 1 else ""),
        ("    closed or refused; finals missing", f"{found['n_closed']}; {found['n_missing']}", "",
         "0; 0"),
        ("    partial results given up", f"{found['dropped_share']:.1%}", "", ""),
        ("    loop lag, p99", f"{found['loop_lag_p99_ms']:.1f} ms", "", "<= 20 ms"),
        ("    processor time, a client and minute", f"{found['cpu_s_per_minute']:.2f} s",
         f"{found['cpu_ratio']:.2f} x Analyzer's", ""),
        ("    memory, all its processes", f"{found['memory_mb']:.0f} MB", "", ""),
    ]  # fmt: skip


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=ROOT / "docs" / "bench_server.json")
    parser.add_argument("--minutes", type=float, default=1.0, help="time with clients (1)")
    parser.add_argument("--clients", default="1,12,20", help="how many, one after the other")
    parser.add_argument("--processes", help="as of ser-live serve")
    parser.add_argument("--only", choices=("load", "listeners", "stalled"), help="one part")
    arguments = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    options = [] if arguments.processes is None else ["--processes", arguments.processes]
    data: dict[str, Any] = {"load_average_before": os.getloadavg()[0], "cores": os.cpu_count()}
    rows: list[tuple[str, str, str, str]] = []
    if arguments.only in (None, "load"):
        data["load"] = [
            carried(int(n), arguments.minutes, *options) for n in arguments.clients.split(",")
        ]
        for found in data["load"]:
            rows += rows_of_load(found)
    if arguments.only in (None, "stalled"):
        found = data["stalled"] = stalled(min(1.0, arguments.minutes))
        alone, beside = found["alone"]["p95_ms"], found["beside"]["p95_ms"]
        rows.append(
            (f"{STALLED_CLIENTS} clients beside a stalled reader", "", f"{beside:.1f} ms",
             f"{alone:.1f} ms without")
        )  # fmt: skip
    if arguments.only in (None, "listeners"):
        found = data["listeners"] = listeners(20.0)
        cost = found["share_with"] - found["share_without"]
        rows.append((f"{N_LISTENERS} listeners, of a core", f"{cost:.1%}", "", "<= 10 %"))
    rows.append(
        (f"load of the machine before, {data['cores']} cores",
         f"{data['load_average_before']:.1f}", "", "quiet: < 0.5")
    )  # fmt: skip
    data["rows"] = [dict(zip(("what", "median", "p95", "bar"), r, strict=True)) for r in rows]
    bench.show(rows)
    arguments.json.write_text(json.dumps(data, indent=1) + "\n")
    print(f"as JSON: {arguments.json}; measured in {time.process_time():.0f} s of the clients")


if __name__ == "__main__":
    main()
