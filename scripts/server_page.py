"""The tables of ``docs/server.md``, made from the codes and paces of the program."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from ser_live.server.problems import CODES
from ser_live.stream.emotion_state import PACES, Pace


def codes() -> str:
    """Make the table of the server's refusals."""
    lines = ["| code | HTTP | close | retry | meaning |", "| --- | --- | --- | --- | --- |"]
    for name, code in CODES.items():
        close = code.close or ""
        retry = "yes" if code.is_retryable else ""
        lines.append(f"| `{name}` | {code.status} | {close} | {retry} | {code.text} |")
    return "\n".join([*lines, ""])


def paces() -> str:
    """Make the table of the paces of the running emotion."""
    names = [f.name.removesuffix("_s") for f in fields(Pace)]
    lines = [f"| pace | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    for name, pace in PACES.items():
        values = [
            f"{value:g} s" if f.name.endswith("_s") else f"{value:g}"
            for f, value in zip(fields(Pace), astuple(pace), strict=True)
        ]
        lines.append(f"| `{name}` | {' | '.join(values)} |")
    return "\n".join([*lines, ""])


def loads() -> str:
    """Make the tables of what `bench_server.py` measured; what stands there, before it ran."""
    path = DOCS / "server_load.json"
    if not path.exists():
        text = (DOCS / "server.md").read_text(encoding="utf-8")
        return text.partition("<!-- generated: loads -->\n")[2].partition("<!-- end -->")[0]
    data = json.loads(path.read_text(encoding="utf-8"))
    parts = data["parts"]
    found = [part for name, part in parts.items() if name.startswith("load")]
    found.sort(key=lambda part: (part["n_clients"], part["minutes"]))
    busiest = max(part["load_average_before"] for part in parts.values())
    latest = max(part["measured_on"] for part in parts.values())
    lines = [
        f"Measured {latest} on {data['cores']} cores, which also ran the clients; the machine's "
        f"load average before each part was {busiest:.1f} at the most.",
        "",
        *_load_table(found),
        *_step_table(parts.get("steps")),
        *_other_readers(parts),
    ]
    return "\n".join([*lines, ""])


def _load_table(found: list[dict[str, Any]]) -> list[str]:
    if not found:
        return []
    lines = [
        "| clients | minutes | final result, median | p95 | partial results given up "
        "| closed; finals missing | loop lag, p99 | processor time, a client and minute |",
        f"|{' --- |' * 8}",
    ]
    lines += [
        f"| {part['n_clients']} | {part['minutes']:.3g} | {part['p50_ms']:.0f} ms "
        f"| {part['p95_ms']:.0f} ms | {part['dropped_share']:.1%} "
        f"| {part['n_closed']}; {part['n_missing']} | {part['loop_lag_p99_ms']:.0f} ms "
        f"| {part['cpu_s_per_minute']:.1f} s |"
        for part in found
    ]
    return [*lines, ""]


def _step_table(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    rows = {
        **found["steps"],
        "**all but the analysis**": found["path"],
        "**all**": found,
        "`Analyzer` in a process of its own, blocks at real time": found["analyzer_at_real_time"],
        "`Analyzer` in a process of its own, one block after the other": found["analyzer_at_once"],
    }
    lines = [
        f"One client's {found['n_taken_apart']} final results, taken apart; the last two rows are "
        "the same analysis without a server.",
        "",
        "| step | median | p95 |",
        "| --- | --- | --- |",
    ]
    for name, times in rows.items():
        lines.append(f"| {name} | {times['p50_ms']:.2f} ms | {times['p95_ms']:.2f} ms |")
    return [*lines, ""]


def _other_readers(parts: dict[str, Any]) -> list[str]:
    lines = []
    if "listeners" in parts:
        found = parts["listeners"]
        cost = found["share_with"] - found["share_without"]
        lines.append(
            f"{found['n']} listeners of the server's own microphone cost {cost:.1%} of a core."
        )
    if "stalled" in parts:
        alone, beside = parts["stalled"]["alone"], parts["stalled"]["beside"]
        lines.append(
            f"Beside a client that sends and never reads, p95 of {alone['n_clients']} others is "
            f"{beside['p95_ms']:.0f} ms, without it {alone['p95_ms']:.0f} ms."
        )
    return lines


DOCS = Path(__file__).parents[1] / "docs"
TABLES: dict[str, Callable[[], str]] = {"codes": codes, "paces": paces, "loads": loads}
