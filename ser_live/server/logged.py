"""Sessions that were logged, and reports: of a log, or of the records that a client has."""

from __future__ import annotations

import asyncio
import html
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ser_live.errors import LogError
from ser_live.events import EventReader, FormError, Record, Recorded
from ser_live.records.json_line import json_line
from ser_live.records.log_entries import ENTRY_CLASSES, LogContinued
from ser_live.records.session_list import logged_sessions, summed_up
from ser_live.report.page import Report
from ser_live.report.page import html as report_page
from ser_live.report.reading import read_session, session_of
from ser_live.report.session_data import SessionData
from ser_live.report.texts import LANGUAGES, Texts
from ser_live.server.problems import Problem
from ser_live.server.uploads import check_encoding, receive

if TYPE_CHECKING:
    from ser_live.server.app import Services

N_LISTED = 100
"""Sessions in a list, unless more or fewer are asked for."""
MAX_LISTED = 10_000
MAX_RECORDS_BYTES = 32 << 20
"""Most records that a report is made of."""
N_REPORTS = 4
"""Reports of clients' records that wait to be opened; the oldest is forgotten."""
REPORT_S = 60.0
"""Time for which such a report waits."""
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')


async def listed(services: Services, request: Request) -> Record:
    """The newest sessions that were logged, and how many there are; ``None`` where none is told."""
    if services.keys.token is None:
        return {"logged": [], "n_logged": None}
    given = request.query_params.get("limit", str(N_LISTED))
    if not (given.isascii() and given.isdecimal() and int(given[:9]) <= MAX_LISTED):
        raise Problem(
            "message_invalid",
            f"limit does not fit: a number up to {MAX_LISTED} is needed.",
            param="limit",
        )
    limit = int(given[:9])
    if limit == 0:  # who only asks what is open need not wait for the disk
        return {"logged": [], "n_logged": None}
    return await asyncio.to_thread(_rows, limit)


def _rows(limit: int) -> Record:
    logs = _by_name()
    rows = [_row(name, path) for name, path in list(logs.items())[:limit]]
    return {"logged": rows, "n_logged": len(logs)}


def _row(name: str, path: Path) -> Record:
    """A session in short; where its log lies is nobody's business who asks from outside."""
    record = summed_up(path).as_record(0)
    return {"id": name, **{k: v for k, v in record.items() if k not in ("number", "path")}}


def _by_name() -> dict[str, Path]:
    """Logs by name, newest first; the name never becomes part of a path."""
    found: dict[str, Path] = {}
    for path in logged_sessions():
        name, n = path.stem, 1
        while name in found:
            n += 1
            name = f"{path.stem}-{n}"
        found[name] = path
    return found


async def _log(request: Request) -> tuple[str, Path]:
    services: Services = request.app.state.services
    if services.keys.token is None:
        raise Problem(
            "not_found",
            "a server without a token gives no logged sessions: start it without --no-token.",
        )
    name = request.path_params["id"]
    path = (await asyncio.to_thread(_by_name)).get(name)
    if path is None:
        raise Problem("not_found", "no session of that id was logged: see /v1/sessions.")
    return name, path


async def session(request: Request) -> Response:
    """``GET /v1/sessions/ID``: a logged session in short."""
    row = await asyncio.to_thread(_row, *await _log(request))
    return Response(json_line(row), media_type="application/json")


async def log(request: Request) -> Response:
    """``GET /v1/sessions/ID/log``: its records, as they lie on the disk."""
    _, path = await _log(request)
    return FileResponse(path, media_type="application/x-ndjson")


async def report(request: Request) -> Response:
    """``GET /v1/sessions/ID/report``: the page about it."""
    language = _language(request)
    _, path = await _log(request)
    try:
        return _page(await asyncio.to_thread(_written, path, language))
    except LogError as error:
        text = str(error).replace(str(path), "its log")
        raise Problem("audio_invalid", text) from None


def _language(request: Request) -> str:
    language = request.query_params.get("language", "en")
    if language not in LANGUAGES:
        raise Problem(
            "message_invalid",
            f"language does not fit: one of {', '.join(LANGUAGES)} is needed.",
            param="language",
        )
    return language


def _written(path: Path, language: str) -> str:
    return _as_page(read_session(path), language)


def _as_page(data: SessionData, language: str) -> str:
    return report_page(Report.of(data, Texts(language)))


def _page(text: str) -> Response:
    """A page with its own policy, which allows its own style and script alone."""
    policy = _POLICY.search(text)
    assert policy is not None  # noqa: S101  every page has one
    headers = {
        "content-security-policy": f"{html.unescape(policy[1])}; frame-ancestors 'none'",
    }
    return Response(
        text.encode("utf-8", "backslashreplace"),
        media_type="text/html; charset=utf-8",
        headers=headers,
    )


class Reports:
    """Reports that were made of clients' records, until somebody opens them."""

    def __init__(self) -> None:
        self._waiting: dict[str, str] = {}

    def add(self, page: str) -> str:
        """Keep a page for a while; its name."""
        while len(self._waiting) >= N_REPORTS:
            del self._waiting[next(iter(self._waiting))]
        name = secrets.token_urlsafe(12)
        self._waiting[name] = page
        asyncio.get_running_loop().call_later(REPORT_S, self._waiting.pop, name, None)
        return name

    def find(self, name: str) -> str | None:
        """The page of a name, while it waits."""
        return self._waiting.get(name)


async def make_report(request: Request) -> Response:
    """``POST /v1/report``: make a report of the records of the body; nothing of it is written."""
    services: Services = request.app.state.services
    check_encoding(request)
    language = _language(request)
    body = BytesIO()
    await receive(request, body, replace(services.limits, max_upload_bytes=MAX_RECORDS_BYTES))
    page = await asyncio.to_thread(_of_records, body.getvalue(), language)
    place = f"/v1/report/{services.reports.add(page)}"
    return Response(
        json_line({"report": place, "kept_s": REPORT_S}),
        status_code=201,
        media_type="application/json",
        headers={"location": place},
    )


async def made_report(request: Request) -> Response:
    """``GET /v1/report/NAME``: a report that was made just before."""
    services: Services = request.app.state.services
    page = services.reports.find(request.path_params["name"])
    if page is None:
        raise Problem("not_found", "that report is not kept any more: make it again.")
    return _page(page)


def _of_records(body: bytes, language: str) -> str:
    try:
        return _as_page(session_of(_entries(body), "live"), language)
    except FormError as error:
        raise Problem(
            "message_invalid",
            f"a record does not fit ({error}): send the records as they came.",
        ) from None
    except LogError:
        raise Problem(
            "message_invalid",
            "the records hold no session_started: send all of a session, a record a line.",
        ) from None


def _entries(body: bytes) -> Iterator[Recorded]:
    """Entries of records; what only the server says beside the log is passed over."""
    reader = EventReader(ENTRY_CLASSES)
    for line in body.splitlines():
        try:
            record = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            raise Problem("message_invalid", "a line is no JSON: send a record a line.") from None
        # An answer to a request is no event, though one of them is called like an event.
        if isinstance(record, dict) and "request" not in record:
            entry = reader.read(record)
            if entry is not None and not isinstance(entry, LogContinued):
                yield entry
