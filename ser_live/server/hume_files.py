"""``/v1/expression/audio/file``: a recording in Hume's message format."""

from __future__ import annotations

import io
import json
import wave
from contextlib import aclosing
from dataclasses import replace
from email.message import Message
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from ser_live.events import EmotionResult, Kind, Record, StreamEnded
from ser_live.records.json_line import json_line
from ser_live.server import hume_messages as form
from ser_live.server.problems import Problem
from ser_live.server.uploads import begin_upload, check_encoding, events_of, receive, told

if TYPE_CHECKING:
    from ser_live.server.app import Services

MAX_BYTES = 25_000_000
"""Longest request of that form."""
MAX_PARTS = 16
_HEADS = (
    b"RIFF", b"RIFX", b"RF64", b"riff", b"fLaC", b"OggS", b"ID3", b"FORM", b"caff", b".snd",
    b"\x1a\x45\xdf\xa3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2",
)  # fmt: skip
"""Beginnings of recordings; in that form anything else is samples without a header."""


async def measure(request: Request) -> Response:
    """``POST``: a form with the part ``file``, and settings in the part ``config``."""
    services: Services = request.app.state.services
    check_encoding(request)
    boundary = _boundary(request)
    place = begin_upload(services)
    path, release = place.path, place.give_back
    try:
        body = io.BytesIO()
        limits = replace(services.limits, max_upload_bytes=MAX_BYTES)
        await receive(request, body, limits, place)
        parts = parts_of(body.getvalue(), boundary)
        _check_config(parts.get("config"))
        place.file.write(_recording(parts.get("file")))
        place.file.flush()
        return Response(json_line(await _measured(services, path)), media_type="application/json")
    except Exception as error:
        if (problem := told(error, path)) is not None:
            raise problem from None
        raise
    finally:
        release()


def _boundary(request: Request) -> bytes:
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        raise Problem(
            "message_invalid",
            "the request is no multipart/form-data: send the recording as its part file.",
        )
    return boundary.encode("latin-1", "replace")


def parts_of(body: bytes, boundary: bytes) -> dict[str, bytes]:
    """Parts of a form by their name."""
    # The first boundary begins the body, the others begin a line.
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]
    if len(pieces) < 2 or not pieces[-1].startswith(b"--") or len(pieces) > MAX_PARTS:
        raise Problem("message_invalid", "the form is broken or cut off: send it whole.")
    found = {}
    for piece in pieces[:-1]:
        head, is_whole, content = piece.partition(b"\r\n\r\n")
        headers = BytesParser().parsebytes(head.lstrip(b"\r\n"), headersonly=True)
        name = headers.get_param("name", header="content-disposition")
        if not is_whole or not isinstance(name, str):
            raise Problem("message_invalid", "a part of the form has no name: give it one.")
        found[name] = content
    return found


def _check_config(config: bytes | None) -> None:
    """Refuse settings that do not fit; of a recording only ends of utterances are measured."""
    try:
        found: Any = json.loads(config) if config else {}
    except (ValueError, RecursionError):
        found = None
    if found is None or not isinstance(found, dict):
        raise Problem("start_invalid", "the part config is no JSON object: send one, or none.")
    form.read_timer_ms(found)


def _recording(data: bytes | None) -> bytes:
    """The recording, with a header before samples that have none."""
    if not data:
        raise Problem("audio_invalid", "the part file is missing or empty: send a recording.")
    if data.startswith(_HEADS) or data[4:8] == b"ftyp":
        return data
    if len(data) % 2:
        raise Problem(
            "audio_invalid",
            "the part file has an odd number of bytes and no header that is known: send 16-bit "
            "samples, or a recording.",
        )
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(form.SAMPLE_RATE_HZ)
        file.writeframes(data)
    return whole.getvalue()


async def _measured(services: Services, path: str) -> Record:
    measurements = form.Measurements()
    utterances, measured, duration_s = [], [], 0.0
    async with aclosing(events_of(services, path, None)) as events:
        async for event in events:
            if isinstance(event, EmotionResult) and event.kind is Kind.FINAL:
                measured.append(measurements.measurement(event))
                utterances.append(form.utterance(event))
            elif isinstance(event, StreamEnded):
                duration_s = event.duration_s
    return {
        "request_id": form.identity(),
        "run_id": form.identity(),
        "received": {"audio_duration_ms": round(1000 * duration_s)},
        "utterances": utterances,
        "measurements": measured,
    }
