"""Recordings that are sent whole: ``/v1/analyze``."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ser_live.batch.recording import Recording
from ser_live.errors import SerLiveError
from ser_live.events import (
    EmotionResult,
    Kind,
    Record,
    StreamEnded,
    StreamEvent,
    StreamNotice,
    StreamStarted,
)
from ser_live.records.csv_rows import CsvLines, emotion_fields
from ser_live.records.json_line import json_line
from ser_live.server.limits import Limits
from ser_live.server.places import Place
from ser_live.server.problems import Problem
from ser_live.server.upload_work import UPLOAD

if TYPE_CHECKING:
    from ser_live.server.app import Services

NAME = "the upload"
"""Name of an upload in sentences."""


async def analyze(request: Request) -> Response:
    """``POST /v1/analyze``: a recording up, its utterances down."""
    services: Services = request.app.state.services
    accept, channel = _accepted(request), _channel(request)
    place = begin_upload(services)
    path, release = place.path, place.give_back
    try:
        await receive(request, place.file, services.limits, place)
        events = events_of(services, path, channel)
        if accept == "application/x-ndjson":
            first = await anext(events)
            return _Released(_lines(first, events, path), release, media_type=accept)
        async with aclosing(events):
            recording = await _recording(events, services)
    except BaseException as error:
        release()
        if (problem := told(error, path)) is not None:
            raise problem from None
        raise
    release()
    if accept == "text/csv":
        return Response(_csv(recording), media_type="text/csv; charset=utf-8")
    return JSONResponse(
        {
            "model": recording.model,
            "summary": recording.summary,
            "utterances": recording.to_records(),
            "notes": list(recording.notes),
        }
    )


def begin_upload(services: Services) -> Place:
    """Take one more upload."""
    if not services.sessions.is_ready or services.sessions.is_draining:
        raise Problem("not_ready", "the server begins or ends: try again.", retry_after_s=2.0)
    return services.places.take()


def told(error: BaseException, path: str) -> Problem | None:
    """Refusal that an error becomes, without the path of the upload; ``None`` for a defect."""
    if isinstance(error, SerLiveError):
        # Where the name of the file alone is told, it begins the sentence.
        text = re.sub(rf"^{re.escape(Path(path).name)}\b", NAME, str(error).replace(path, NAME))
        return Problem("audio_invalid", text)
    if isinstance(error, ClientDisconnect):
        return Problem("slow_request", "the upload broke off.")
    return None


def check_encoding(request: Request) -> None:
    """Refuse an upload that is compressed as a whole."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem("media_unknown", "the upload is compressed once more: send it as it is.")


def _accepted(request: Request) -> str:
    """The form of the answer that is wanted; JSON where none of ours is named."""
    check_encoding(request)
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise Problem(
            "media_unknown",
            "the upload is a form, but the recording itself is needed as the body: send it as it "
            "is, with curl by --data-binary @FILE.",
        )
    accept = request.headers.get("accept", "*/*")
    for kind in ("application/x-ndjson", "text/csv"):
        if kind in accept:
            return kind
    return "application/json"


def _channel(request: Request) -> int | None:
    given = request.query_params.get("channel")
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and 1 <= int(given[:4]) <= 64):
        raise Problem(
            "message_invalid",
            "channel does not fit: a number from 1 is needed.",
            param="channel",
        )
    return int(given) - 1


async def receive(
    request: Request, file: BinaryIO, limits: Limits, place: Place | None = None
) -> None:
    """Take the body into a file, which must come steadily and not be too long."""
    said = request.headers.get("content-length", "0")
    most = limits.max_upload_bytes
    too_large = Problem(
        "message_too_large", f"the upload is longer than {most >> 20} MiB: send it in parts."
    )
    if said.isdecimal() and int(said) > most:
        raise too_large
    deadline_s = asyncio.get_running_loop().time() + limits.body_s
    chunks, n = request.stream().__aiter__(), 0
    while True:
        left_s = deadline_s - asyncio.get_running_loop().time()
        chunk = await _next(chunks, min(limits.body_pause_s, left_s), place)
        if chunk is None:
            break
        n += len(chunk)
        if n > most:
            raise too_large
        file.write(chunk)
        if place is not None:
            place.n_bytes = n
    file.flush()
    if n == 0:
        raise Problem("audio_invalid", "the upload is empty: send a recording as the body.")
    if place is not None:
        place.is_whole = True


async def _next(chunks: AsyncIterator[bytes], within_s: float, place: Place | None) -> bytes | None:
    """Wait for the next part of a body; ``None`` at its end."""
    following = asyncio.ensure_future(anext(chunks, None))
    # An error that comes too late to be told is nobody's.
    following.add_done_callback(lambda done: done.cancelled() or done.exception())
    gone = None if place is None else asyncio.ensure_future(place.is_gone.wait())
    try:
        await asyncio.wait(
            {following} if gone is None else {following, gone},
            timeout=within_s,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if place is not None and place.is_gone.is_set():
            raise Problem(
                "slow_request",
                "the upload came so slowly that another one got its place: try again later.",
            )
        if not following.done():
            raise Problem("slow_request", "the upload did not come in time.")
        return following.result()
    finally:
        following.cancel()
        if gone is not None:
            gone.cancel()


async def events_of(
    services: Services, path: str, channel: int | None
) -> AsyncGenerator[StreamEvent | tuple[str, ...], None]:
    """Events of an uploaded recording as they come, then the notes on how it was read."""
    sessions = services.sessions
    queue: asyncio.Queue[StreamEvent | Exception | None] = asyncio.Queue()
    work = sessions.begin_upload(
        path,
        channel,
        lambda event: sessions.call_soon(queue.put_nowait, event),
    )
    try:
        while (event := await queue.get()) is not None:
            if isinstance(event, Exception):
                raise event
            if isinstance(event, EmotionResult):
                sessions.metrics.add("serlive_results_total", kind=event.kind, state=event.state)
            yield event
        yield tuple(work.notes)
    finally:
        work.abandon()


async def _recording(
    events: AsyncIterator[StreamEvent | tuple[str, ...]], services: Services
) -> Recording:
    sessions = services.sessions
    recording = Recording(
        file=UPLOAD,
        model=sessions.model.card.id,
        min_confidence=sessions.model.thresholds(sessions.settings.reject)[1],
        labels=sessions.model.card.labels,
    )
    utterances, notes = [], []
    async for event in events:
        if isinstance(event, StreamStarted):
            recording = replace(
                recording, sample_rate=event.sample_rate, n_channels=event.n_channels
            )
        elif isinstance(event, EmotionResult) and event.kind is Kind.FINAL:
            utterances.append(event)
        elif isinstance(event, StreamNotice):
            notes.append(event.message)
        elif isinstance(event, StreamEnded):
            recording = replace(recording, duration_s=event.duration_s)
        elif isinstance(event, tuple):
            notes += event
    return replace(recording, utterances=tuple(utterances), notes=tuple(notes))


async def _lines(
    first: StreamEvent | tuple[str, ...],
    rest: AsyncGenerator[StreamEvent | tuple[str, ...], None],
    path: str,
) -> AsyncIterator[str]:
    """Records as lines; where the recording breaks off, the last one says so."""
    async with aclosing(rest):
        try:
            yield _line(first)
            async for event in rest:
                yield _line(event)
        except SerLiveError as error:
            problem = Problem("audio_invalid", str(error).replace(path, "the upload"))
            yield json_line(problem.as_message()) + "\n"


class _Released(StreamingResponse):
    """An answer that gives its upload back however it ends, also where nobody reads it."""

    def __init__(
        self, lines: AsyncIterator[str], release: Callable[[], None], *, media_type: str
    ) -> None:
        super().__init__(lines, media_type=media_type)
        self._release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._release()


def _line(event: StreamEvent | tuple[str, ...]) -> str:
    if isinstance(event, tuple):
        notes: list[Record] = [
            {"type": "notice", "sink": UPLOAD, "message": note} for note in event
        ]
        return "".join(f"{json_line(note)}\n" for note in notes)
    return json_line(event.as_record()) + "\n"


def _csv(recording: Recording) -> str:
    text = io.StringIO()
    rows = CsvLines(text, emotion_fields(recording.labels))
    for record in recording.to_records():
        rows.write(record)
    return text.getvalue()
