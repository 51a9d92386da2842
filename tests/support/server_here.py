"""A server in this process, whose microphone is a source of a test, and a reader of its events."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from served import Served

from ser_live import EmotionModel, listen


@contextmanager
def hearing(
    source: Any,
    errors: list[BaseException] | None = None,
    teller: Any = None,
    **limits: int,
) -> Iterator[Served]:
    """A server in this process whose microphone is a source of ours: no device is needed.

    Errors that it reports fail the test, unless there is a list that takes them.
    """
    from ser_live.server.app import Services
    from ser_live.server.guard import Keys
    from ser_live.server.limits import Limits
    from ser_live.server.running import Server

    model = EmotionModel.load()
    reported: list[BaseException] = [] if errors is None else errors
    services = Services(
        model=model,
        keys=Keys("a-token-for-a-test"),
        report=reported.append,
        limits=Limits(**limits),
        listen=lambda: listen(source, model=model, with_levels=teller is not None),
        teller=teller,
    )
    if teller is not None:
        teller.open(model, services.settings)
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(services, listener)
    started = threading.Event()
    server.on_started = started.set
    thread = threading.Thread(target=lambda: asyncio.run(server.run_until_ended()))
    thread.start()
    try:
        assert started.wait(60)
        port = listener.getsockname()[1]
        yield Served(port, "a-token-for-a-test", None, [], services.keys)  # type: ignore[arg-type]
    finally:
        server.end()
        thread.join(30)
    assert not thread.is_alive()
    assert errors is not None or reported == []


def sse(answer: Any, until: str) -> list[dict[str, Any]]:
    """Records of a stream of server-sent events up to one of a type."""
    found: list[dict[str, Any]] = []
    event: dict[str, str] = {}
    for raw in answer:
        name, _, value = raw.decode().rstrip("\n").partition(": ")
        if name:
            event[name] = value
        elif "data" in event:
            record = json.loads(event["data"])
            assert (event["id"], event["event"]) == (str(record["seq"]), record["type"])
            found.append(record)
            event = {}
            if record["type"] == until:
                return found
    return found
