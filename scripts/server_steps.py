"""A server that notes when each final result was where, for `bench_server.py`.

It is the server of the program, in a process of its own, whose parts are wrapped from here: the
program itself carries no clock for this. All stamps are of ``time.monotonic``, which the
processes of one machine share.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import server_load

from ser_live.events import EmotionResult, Kind, Utterance
from ser_live.server import crew, sound_queue, stream_work, working
from ser_live.server.outgoing import Outgoing
from ser_live.server.session import Session

STAMPS = {
    "sent": "the client sends the block",
    "came": "the server's loop has it",
    "got": "the process that analyzes has it",
    "heard": "it begins to look through the block",
    "judged": "it knows the utterance and begins to judge it",
    "found": "it has the result",
    "packed": "it hands the result to the socket",
    "back": "the loop has the result",
    "written": "the loop has written the record",
    "received": "the client has it",
}
"""Moments of a final result, in their order."""

STEPS = {
    "came": "to the loop",
    "got": "to the process",
    "heard": "waiting there for other steps",
    "judged": "looking through the block",
    "found": "judging the utterance",
    "packed": "packing the result",
    "back": "back to the loop",
    "written": "making and writing the record",
    "received": "to the client",
}
"""The step that ends with each moment."""

ANALYSIS = (STEPS["judged"], STEPS["found"])
"""Steps that the plain analyzer takes too."""


_CREW: Any = crew
_OFFICE: Any = working._Office
_QUEUE: Any = sound_queue.SoundQueue
_WORK: Any = stream_work.StreamWork
_SESSION: Any = Session
_OUTGOING: Any = Outgoing
# Wrapped below, which no type allows.


class _Notes:
    """Lines of JSON of one process."""

    def __init__(self, name: str) -> None:
        path = Path(sys.argv[1]) / f"{name}-{time.monotonic_ns()}.jsonl"
        self._file = path.open("w", buffering=1)

    def write(self, **row: Any) -> None:
        self._file.write(json.dumps(row) + "\n")


def trace_process() -> None:
    """Note what a process that analyzes does with the sound of its sessions."""
    notes = _Notes("process")
    got_s: dict[float, float] = {}
    now: dict[str, float] = {}
    finals: list[dict[str, Any]] = []
    take, pack_told = _OFFICE._take, _OFFICE._told
    following, judge = _QUEUE.next, _WORK._judge

    def take_order(office: Any, order: Any) -> None:
        if isinstance(order, working.Hear):
            got_s[order.came_s] = time.monotonic()
        take(office, order)

    def take_next(queue: Any) -> Any:
        found = following(queue)
        if found is not None:
            came_s = found[1]
            now.update(came=came_s, got=got_s.get(came_s, came_s), heard=time.monotonic())
            for old in [s for s in got_s if s < came_s - 60.0]:
                del got_s[old]
        return found

    def judge_item(work: Any, number: int, item: Any) -> Any:
        began_s = time.monotonic()
        found = judge(work, number, item)
        if isinstance(item, Utterance) and item.kind is Kind.FINAL:
            finals.append({"id": item.id, **now, "judged": began_s, "found": time.monotonic()})
        return found

    def pack_noted(office: Any, session: int, outcomes: Sequence[Any]) -> Any:
        parcel = pack_told(office, session, outcomes)
        packed_s = time.monotonic()
        for final in finals:
            notes.write(number=session, **final, packed=packed_s)
        finals.clear()
        return parcel

    _OFFICE._take = take_order
    _OFFICE._told = pack_noted
    _QUEUE.next = take_next
    _WORK._judge = judge_item


def trace_loop() -> None:
    """Note when the loop gets results and has written their records."""
    notes = _Notes("loop")
    deliver, send_all = _SESSION._deliver, _OUTGOING.send_all

    def deliver_all(session: Session, outcomes: Sequence[Any]) -> None:
        back_s = time.monotonic()
        deliver(session, outcomes)
        for outcome in outcomes:
            if isinstance(outcome, EmotionResult) and outcome.kind is Kind.FINAL:
                number = getattr(session.work, "number", 0)
                notes.write(session=session.name, number=number, id=outcome.id, back=back_s)

    async def send_noted(outgoing: Outgoing, send: Any) -> None:
        async def noted(text: str) -> None:
            await send(text)
            if '"kind":"final"' in text:
                written_s = time.monotonic()
                record = json.loads(text)
                notes.write(session=outgoing.session, id=record["id"], written=written_s)

        await send_all(outgoing, noted)

    _SESSION._deliver = deliver_all
    _OUTGOING.send_all = send_noted


def traced_work_for(pipe: socket.socket, model: Any) -> None:
    """Body of a process that analyzes, whose moments are noted."""
    trace_process()
    working.work_for(pipe, model)


def rows_of(folder: Path) -> dict[tuple[str, int], dict[str, float]]:
    """Stamps of every final result, by the session's name and the utterance's number."""
    rows: dict[tuple[str, int], dict[str, float]] = {}
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.jsonl"))]
    lines = [json.loads(line) for text in texts for line in text.splitlines()]
    names = {line["number"]: line["session"] for line in lines if "back" in line}
    for line in lines:
        name = line.get("session") or names.get(line["number"])
        if name is not None:
            stamps = {k: v for k, v in line.items() if k in STAMPS}
            rows.setdefault((name, line["id"]), {}).update(stamps)
    return rows


def taken_apart(folder: Path, found: server_load.Load, finals: dict[int, int]) -> dict[str, Any]:
    """Times of every step of the clients' final results, and of all steps but the analysis."""
    rows = rows_of(folder)
    names = list(STAMPS)
    steps: dict[str, list[float]] = {step: [] for step in STEPS.values()}
    path_ms: list[float] = []
    for client in found.clients:
        for number, block in finals.items():
            if number not in client.came_s:
                continue
            stamps = rows.get((client.session, number), {})
            stamps |= {"sent": client.sent_s[block], "received": client.came_s[number]}
            if any(name not in stamps for name in names):
                continue
            took_ms = {
                STEPS[after]: (stamps[after] - stamps[before]) * 1e3
                for before, after in pairwise(names)
            }
            for step, value in took_ms.items():
                steps[step].append(value)
            path_ms.append(sum(ms for step, ms in took_ms.items() if step not in ANALYSIS))
    quantiles = server_load.quantiles
    return {
        "steps": {step: quantiles(values) for step, values in steps.items()},
        "path": quantiles(path_ms),
        "n_taken_apart": len(path_ms),
    }


def main() -> None:
    """Serve as the program does: ``server_steps.py FOLDER serve OPTIONS``."""
    from ser_live.cli import cli

    _CREW.work_for = traced_work_for
    trace_loop()
    cli(sys.argv[2:], prog_name="ser-live")


if __name__ == "__main__":
    main()
