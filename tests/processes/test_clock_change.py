"""A wall clock that is set anew disturbs nothing: sample counts and steady time decide."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from places import SUPPORT

import ser_live

SPOILT = SUPPORT / "spoilt_session.py"
OPTIONS = ("--speed", "4", "--model", "classic", "--format", "jsonl", "--no-log")


def events(talk: Path, *command: Any) -> list[dict[str, Any]]:
    result = subprocess.run(
        [sys.executable, *map(str, command), "replay", str(talk), *OPTIONS],
        capture_output=True,
        check=True,
    )
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_clock_that_jumps_at_every_look_changes_no_event(short_talk: Path) -> None:
    """Hours and days forth and back: same events, and latencies of a clock that only runs on."""
    differs = ("started_at", "latency_ms", "latency_ms_p50", "latency_ms_p95")
    runs = [events(short_talk, "-m", "ser_live"), events(short_talk, SPOILT, "clock")]
    still, jumping = (
        [{k: v for k, v in record.items() if k not in differs} for record in run] for run in runs
    )
    assert jumping == still
    latencies_ms = [r["latency_ms"] for r in runs[1] if r["type"] == "emotion"]
    assert latencies_ms
    assert all(0 < latency_ms < 120_000 for latency_ms in latencies_ms)


def test_wall_time_is_asked_for_at_beginnings_alone() -> None:
    """When a session, stream, log or profile began, when a person noted, labelled or imported
    something, how old what is purged is, and when a server began: else never."""
    package = Path(ser_live.__file__).parent
    asking = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"time\.time\(|datetime\.now\(|time_ns\(|localtime\(", path.read_text("utf-8"))
    }
    offline = {name for name in asking if name.split("/")[0] in ("training", "evaluation")}
    assert asking - offline == {
        "session/player.py",
        "session/enrolment.py",
        "records/expiry.py",
        "records/log_file.py",
        "cli/purge.py",
        "cli/note.py",
        "history/daylio.py",
        "annotation/round.py",
        "server/metrics.py",
    }
