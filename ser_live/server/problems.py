"""Every refusal of the server: its code, its HTTP status, and how a WebSocket is closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ser_live.events import Record


@dataclass(frozen=True, slots=True)
class Code:
    """Consequences of one refusal."""

    status: int
    """HTTP status where it is answered over HTTP."""
    close: int
    """Code by which a WebSocket is closed after it; 0 where the session lives on."""
    is_retryable: bool
    """Whether the same request may succeed later."""
    text: str
    """Meaning, for the documentation."""


CODES: Mapping[str, Code] = {
    "host_unknown": Code(400, 0, False, "The Host header is missing or names another machine."),
    "origin_refused": Code(403, 0, False, "A page of another origin asked."),
    "token_missing": Code(401, 0, False, "No token was given."),
    "token_wrong": Code(401, 0, False, "The token is not this server's."),
    "not_found": Code(404, 0, False, "Nothing has that path, or that is not served here."),
    "method_unknown": Code(405, 0, False, "The path does not take that method."),
    "protocol_unknown": Code(400, 0, False, "None of the subprotocols offered is known."),
    "start_missing": Code(400, 1002, False, "The first message was not start, or came too late."),
    "start_invalid": Code(400, 1002, False, "A field of start does not fit; param names it."),
    "model_unknown": Code(404, 1002, False, "Another model is asked for than the server has."),
    "speaker_unknown": Code(404, 1002, False, "No speaker of that name is enrolled."),
    "resume_unknown": Code(404, 1002, False, "No session of that name waits to be resumed."),
    "audio_invalid": Code(422, 0, False, "The sound cannot be used; the session lives on."),
    "message_invalid": Code(400, 0, False, "A text is no JSON object, or a field does not fit."),
    "unknown_type": Code(400, 0, False, "The type of a message is not known."),
    "message_too_large": Code(413, 1009, False, "A message or upload is larger than allowed."),
    "media_unknown": Code(415, 0, False, "The upload is encoded in a way that is not taken."),
    "rate_limited": Code(429, 1008, True, "Too many messages in a second."),
    "slow_reader": Code(408, 1008, True, "What was sent was not read for too long."),
    "slow_request": Code(408, 1008, True, "The request was not whole in time."),
    "idle": Code(408, 1000, True, "Neither sound nor ping came for too long."),
    "server_full": Code(503, 1013, True, "No more sessions are taken at present."),
    "not_ready": Code(503, 1013, True, "The model is not loaded yet."),
    "shutting_down": Code(503, 1001, True, "The server ends; what was heard was reported."),
    "internal": Code(500, 1011, False, "A defect of the program."),
}
"""Codes to branch on; the wording of messages may change."""


class Problem(Exception):  # noqa: N818  it is told, not raised out of the program
    """A refusal that is told to the client.

    Parameters
    ----------
    code : str
        One of `CODES`.
    message : str
        One sentence: what was found, what is needed, what to do.
    param : str or None
        Field that does not fit.
    request : str or None
        Name that the client gave its request.
    retry_after_s : float or None
        Time after which another try makes sense, in seconds.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        param: str | None = None,
        request: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.param = param
        self.request = request
        self.retry_after_s = retry_after_s

    @property
    def is_fatal(self) -> bool:
        """Whether it ends the session."""
        return CODES[self.code].close != 0

    def as_message(self) -> Record:
        """The message of a WebSocket about it."""
        found: Record = {
            "type": "error",
            "code": self.code,
            "message": str(self),
            "retryable": CODES[self.code].is_retryable,
            "fatal": self.is_fatal,
        }
        return {**found, **self._details()}

    def as_http(self) -> Record:
        """The body of an HTTP answer about it, after RFC 9457."""
        code = CODES[self.code]
        found: Record = {
            "type": f"urn:ser-live:problem:{self.code}",
            "title": code.text,
            "status": code.status,
            "detail": str(self),
            "code": self.code,
            "retryable": code.is_retryable,
        }
        return {**found, **self._details()}

    def _details(self) -> Record:
        given = {
            "param": self.param,
            "request": self.request,
            "retry_after_s": self.retry_after_s,
        }
        return {name: value for name, value in given.items() if value is not None}
