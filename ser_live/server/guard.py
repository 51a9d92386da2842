"""The door of the server: Host, Origin and token are looked at before anything else is."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections import deque
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ser_live.records.json_line import json_line
from ser_live.server import hume_messages
from ser_live.server.limits import PROTOCOL
from ser_live.server.metrics import Metrics
from ser_live.server.problems import CODES, Problem

COOKIE = "ser_live_"
"""Beginning of the cookie's name; the port follows, as browsers keep ports together."""
BEARER = "bearer."
OPEN_PATHS = ("/healthz", "/readyz")
"""Paths that tell nothing of anybody, for what watches whether the server lives."""
OVERLAY = "/overlay"
OVERLAY_FILES = (OVERLAY, "/page/overlay.js", "/page/overlay.css")
"""Files of the page for streaming software, which tell nothing; what it shows needs its cookie."""
OVERLAY_READS = "/v1/events"
"""The one path that the cookie of that page opens."""
OVERLAY_COOKIE = "ser_live_overlay_"
OVERLAY_COOKIE_S = 365 * 86_400
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names of this machine that no other site can have."""
N_COOKIES = 64
"""Browsers that are known at a time; the oldest is forgotten."""

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; worker-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
    "cache-control": "no-store",
}


class Keys:
    """The token, and what browsers got for it.

    Parameters
    ----------
    token : str or None
        ``None`` lets everybody in who passes Host and Origin.
    """

    def __init__(self, token: str | None) -> None:
        self.token = token
        self._once: set[str] = set()
        self._overlay_once: set[str] = set()
        # The same for the same token: a scene with the overlay outlives the server's end.
        secret = (token or secrets.token_urlsafe(32)).encode()
        self._overlay_cookie = hmac.new(secret, b"overlay", "sha256").hexdigest()
        self._cookies: deque[str] = deque(maxlen=N_COOKIES)

    def once(self) -> str:
        """Make a token that opens one browser, once."""
        made = secrets.token_urlsafe(32)
        self._once.add(made)
        return made

    def overlay_once(self) -> str:
        """Make a token that gives one browser the overlay's cookie, once."""
        made = secrets.token_urlsafe(32)
        self._overlay_once.add(made)
        return made

    def overlay_cookie_for(self, given: str) -> str | None:
        """The overlay's cookie for its token; ``None`` for one that is wrong or used up."""
        found = next((known for known in self._overlay_once if _same(given, known)), None)
        if found is None:
            return None
        self._overlay_once.discard(found)
        return self._overlay_cookie

    def knows_overlay_cookie(self, given: str) -> bool:
        """Whether a browser may read what the overlay shows."""
        return _same(given, self._overlay_cookie)

    def cookie_for(self, given: str) -> str | None:
        """Make the cookie for a token from the address line; ``None`` for a wrong one."""
        is_once = any(_same(given, known) for known in self._once)
        if not is_once and not self.fits(given):
            return None
        self._once.discard(given)
        cookie = secrets.token_urlsafe(32)
        self._cookies.append(cookie)
        return cookie

    def fits(self, given: str) -> bool:
        """Whether a token is the server's."""
        return self.token is not None and _same(given, self.token)

    def knows_cookie(self, given: str) -> bool:
        """Whether a browser has a cookie of ours."""
        return any(_same(given, known) for known in self._cookies)


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), known.encode())


class Guard:
    """Lets through what comes from this machine, from our own page, and with the token.

    Parameters
    ----------
    app : ASGI application
    keys : Keys
    metrics : Metrics
    hosts : tuple of str
        Names that the Host header may have besides loopback's.
    origins : tuple of str
        Origins of pages that may use the WebSockets, such as ``https://game.example``.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: Keys,
        metrics: Metrics,
        hosts: tuple[str, ...] = (),
        origins: tuple[str, ...] = (),
    ) -> None:
        self._app = app
        self._keys = keys
        self._metrics = metrics
        self._named = {name.lower() for name in hosts} - LOOPBACK
        self._hosts = self._named | LOOPBACK
        self._origins = {origin.lower().rstrip("/") for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        try:
            self._check_host(headers)
            self._check_origin(scope, headers)
            if (answer := self._welcome(scope) or self._show(scope, headers)) is not None:
                await answer(scope, receive, send)
                return
            self._check_token(scope, headers)
        except Problem as problem:
            self._metrics.add("serlive_rejected_requests_total", code=problem.code)
            await problem_response(problem, scope["path"])(scope, receive, send)
            return
        await self._app(scope, receive, _with_headers(send))

    def _check_host(self, headers: Mapping[str, list[str]]) -> None:
        given = headers.get("host", [])
        if len(given) != 1 or host_name(given[0]) not in self._hosts:
            raise Problem(
                "host_unknown",
                "the Host header is missing or names another machine: use the address that the "
                "server printed, or start it with --allow-host.",
            )

    def _check_origin(self, scope: Scope, headers: Mapping[str, list[str]]) -> None:
        given = headers.get("origin", [])
        site = headers.get("sec-fetch-site", ["none"])[0]
        is_secure = scope["scheme"] in ("https", "wss")
        own = f"{'https' if is_secure else 'http'}://{headers['host'][0]}".lower()
        if len(given) > 1:
            is_fine = False
        elif given:
            origin = given[0].lower()
            is_listed = scope["type"] == "websocket" and origin in self._origins
            # A proxy that has the name may speak TLS to the browser and not to us.
            is_proxied = host_name(headers["host"][0]) in self._named
            is_fine = origin == own or is_listed
            is_fine |= is_proxied and origin == f"https://{headers['host'][0]}".lower()
        else:
            # A browser says so where a page of another site asks without an Origin.
            is_fine = site in ("none", "same-origin")
        if not is_fine:
            raise Problem(
                "origin_refused",
                "a page of another origin asked: only the server's own page may, and for "
                "WebSockets those named by --allow-origin.",
            )

    def _welcome(self, scope: Scope) -> Response | None:
        """Answer the address that was printed: a cookie in the place of the token in it."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            return None
        given = parse_qs(scope["query_string"].decode("ascii", "replace")).get("token")
        if not given:
            return None
        cookie = self._keys.cookie_for(given[0])
        if cookie is None:
            raise Problem("token_wrong", "the token in the address is used up or not this server's")
        answer = Response(status_code=303, headers={**SECURITY_HEADERS, "location": "/"})
        answer.set_cookie(
            _cookie_name(scope),
            cookie,
            httponly=True,
            samesite="strict",
            secure=scope["scheme"] == "https",
            path="/",
        )
        return answer

    def _show(self, scope: Scope, headers: Mapping[str, list[str]]) -> Response | None:
        """Answer the page for streaming software: its cookie for the token of its address."""
        is_asked = scope["type"] == "http" and scope["path"] == OVERLAY
        if not is_asked or scope["method"] != "POST":
            return None
        given = _tokens(scope, headers)
        cookie = self._keys.overlay_cookie_for(given[0]) if given else None
        if cookie is None:
            raise Problem("token_wrong", "the overlay's address is used up: take a new one.")
        answer = Response(status_code=204, headers=SECURITY_HEADERS)
        answer.set_cookie(
            _cookie_name(scope, OVERLAY_COOKIE),
            cookie,
            max_age=OVERLAY_COOKIE_S,
            httponly=True,
            samesite="strict",
            secure=scope["scheme"] == "https",
            path=OVERLAY_READS,
        )
        return answer

    def _check_token(self, scope: Scope, headers: Mapping[str, list[str]]) -> None:
        if self._keys.token is None or scope["path"] in (*OPEN_PATHS, *OVERLAY_FILES):
            return
        given = _tokens(scope, headers)
        if any(self._keys.fits(token) for token in given):
            return
        cookies = _cookies(scope, headers, COOKIE)
        if not given and any(map(self._keys.knows_cookie, cookies)):
            return
        is_reading = scope.get("method", "GET") in ("GET", "HEAD")
        if not given and is_reading and scope["path"] == OVERLAY_READS:
            shown = _cookies(scope, headers, OVERLAY_COOKIE)
            if any(map(self._keys.knows_overlay_cookie, shown)):
                return
        if given or cookies:
            raise Problem("token_wrong", "the token is not this server's: use the one it printed.")
        raise Problem(
            "token_missing",
            "no token was given: send it as Authorization: Bearer TOKEN, as the subprotocol "
            "bearer.TOKEN, or open the address that the server printed.",
        )


def _headers(scope: Scope) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def host_name(header: str) -> str:
    """Name of a host without its port, an address in its plain form; empty where it is none."""
    try:
        parts = urlsplit(f"//{header}")
        name = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return ""
    if parts.path or parts.query or parts.fragment or "@" in header:
        return ""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _tokens(scope: Scope, headers: Mapping[str, list[str]]) -> list[str]:
    """Tokens of the headers, and of the subprotocols, as browsers can set no header."""
    found = []
    for value in headers.get("authorization", []):
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer":
            found.append(token.strip())
    if scope["path"].startswith(hume_messages.PATHS):
        found += headers.get(hume_messages.KEY_HEADER, [])
    offered = scope.get("subprotocols", [])
    return found + [n.removeprefix(BEARER) for n in offered if n.startswith(BEARER)]


def _cookie_name(scope: Scope, beginning: str = COOKIE) -> str:
    server = scope.get("server")
    return f"{beginning}{server[1] if server else ''}"


def _cookies(scope: Scope, headers: Mapping[str, list[str]], beginning: str) -> list[str]:
    found = []
    for value in headers.get("cookie", []):
        try:
            jar = SimpleCookie(value)
        except CookieError:
            continue
        if (name := _cookie_name(scope, beginning)) in jar:
            found.append(jar[name].value)
    return found


def _with_headers(send: Send) -> Send:
    """Send with the headers of security on every answer."""

    async def wrapped(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            names = {name.lower() for name, _ in message.get("headers", [])}
            extra = [
                (name.encode(), value.encode())
                for name, value in SECURITY_HEADERS.items()
                if name.encode() not in names
            ]
            message = {**message, "headers": [*message.get("headers", []), *extra]}
        await send(message)

    return wrapped


def problem_response(problem: Problem, path: str = "") -> ProblemResponse:
    """Make the HTTP answer about a refusal, in the form that clients of the path read."""
    headers = dict(SECURITY_HEADERS)
    if problem.code in ("token_missing", "token_wrong"):
        headers["www-authenticate"] = "Bearer"
    if problem.retry_after_s is not None:
        headers["retry-after"] = f"{problem.retry_after_s:.0f}"
    if path.startswith(hume_messages.PATHS):
        return ProblemResponse(
            json_line(hume_messages.refusal(problem)),
            status_code=hume_messages.status(problem),
            headers=headers,
            media_type="application/json",
        )
    return ProblemResponse(
        json_line(problem.as_http()),
        status_code=CODES[problem.code].status,
        headers=headers,
        media_type="application/problem+json",
    )


class ProblemResponse(Response):
    """An answer that a WebSocket gets before it is one, too."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        prefix = "websocket." if scope["type"] == "websocket" else ""
        start: dict[str, Any] = {
            "type": f"{prefix}http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        await send(start)
        await send({"type": f"{prefix}http.response.body", "body": self.body})


def subprotocol(scope: Scope) -> str | None:
    """The subprotocol to answer with: ours where any but the token's was offered."""
    offered = [name for name in scope["subprotocols"] if not name.startswith(BEARER)]
    if PROTOCOL in offered:
        return PROTOCOL
    if offered or scope["subprotocols"]:
        raise Problem(
            "protocol_unknown", f"other subprotocols were offered, but {PROTOCOL} is needed."
        )
    return None
