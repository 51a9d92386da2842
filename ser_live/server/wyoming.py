"""Wyoming, the protocol of Home Assistant's voice programs: sound in, emotions out, over TCP.

A message is one line of JSON with a ``type``, then ``data_length`` bytes of JSON and
``payload_length`` bytes of sound. The protocol has no place for a token.
"""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ser_live import __version__
from ser_live.audio import MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ
from ser_live.errors import InvalidAudioError
from ser_live.events import EmotionResult, Kind, Record, SpeechStarted, StreamEvent
from ser_live.records.json_line import json_line
from ser_live.server.guests import Guest
from ser_live.server.problems import Problem
from ser_live.server.protocol import Start
from ser_live.server.streams import check_ready, defect
from ser_live.sources.pcm_bytes import WAV_CODINGS, PcmBytes

if TYPE_CHECKING:
    from ser_live.server.app import Services

MAX_LINE_BYTES = 64 << 10
"""Longest line of a message."""
MAX_DATA_BYTES = 64 << 10
"""Longest data beside the line."""
SPARE_CONNECTIONS = 16
"""Connections beyond the sessions that are taken at the same time."""
STALL_S = 15.0
"""Longest wait for a reader to take what is sent."""
CLOSE_S = 5.0
"""Longest wait for connections when the server ends."""
WIDTHS = (1, 2, 3, 4)
"""Bytes of a sample that are taken: integers, of one byte without a sign."""


@dataclass(frozen=True)
class Message:
    """One message of a client."""

    type: str
    data: dict[str, Any] = field(default_factory=dict)
    payload: bytes = b""


class WyomingServer:
    """The listening side; made and closed within the event loop.

    Parameters
    ----------
    services : Services
    listener : socket
        Bound; it is closed at the end.
    """

    def __init__(self, services: Services, listener: socket.socket) -> None:
        self._services = services
        self._listener = listener
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to take connections."""
        self._server = await asyncio.start_server(
            self._serve, sock=self._listener, limit=MAX_LINE_BYTES
        )

    async def close(self) -> None:
        """Take no more, and wait a while for those that are open."""
        if self._server is not None:
            self._server.close()
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=CLOSE_S)
            for task in late:
                task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sessions = self._services.sessions
        task = asyncio.current_task()
        if task is None or len(self._tasks) >= sessions.limits.max_sessions + SPARE_CONNECTIONS:
            sessions.metrics.add("serlive_rejected_requests_total", code="server_full")
            writer.close()
            return
        self._tasks.add(task)
        try:
            await _Connection(reader, writer, self._services).run()
        except (OSError, EOFError):
            pass
        except Exception as error:  # noqa: BLE001  the top of a connection
            defect(error, sessions.report)
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


class _Connection:
    """One client: sessions one after another, each from ``audio-start`` to ``audio-stop``."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, services: Services
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._services = services
        self._limits = services.limits
        self._guest: Guest | None = None
        self._bytes: PcmBytes | None = None
        self._width = 0
        self._begin_ms = 0
        self._telling: asyncio.Task[None] | None = None
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        """Serve until the client leaves, or breaks the protocol."""
        reason = "left"
        try:
            while True:
                if self._guest is not None:
                    await self._guest.wait_for_room()
                message = await self._next()
                if message is None:
                    break
                try:
                    await self._take(message)
                except Problem as problem:
                    if problem.is_fatal:
                        raise
                    await self._tell_problem(problem)
            # A client may have ended only its own side, and read on.
            await self._finish()
        except Problem as problem:
            reason = problem.code
            with suppress(OSError):
                await self._tell_problem(problem)
        finally:
            if self._telling is not None:
                self._telling.cancel()
            if self._guest is not None:
                self._guest.leave(reason)

    # -- in

    async def _next(self) -> Message | None:
        """Read a message; ``None`` once the client left, or the session was ended from here."""
        reading = asyncio.ensure_future(self._read())
        ends: set[asyncio.Future[Any]] = {reading}
        if self._telling is not None:
            ends.add(self._telling)
        done, _ = await asyncio.wait(
            ends, timeout=self._limits.idle_s, return_when=asyncio.FIRST_COMPLETED
        )
        if reading in done:
            return reading.result()
        reading.cancel()
        with suppress(asyncio.CancelledError, Problem, OSError, EOFError):
            await reading
        if self._telling is not None:
            if self._guest is not None and not done:
                self._guest.end(Problem("idle", "nothing came for too long: connect again."))
            await self._telling
        return None

    async def _read(self) -> Message | None:
        try:
            line = await self._reader.readline()
        except ValueError:
            raise Problem("message_too_large", "a line is too long: send shorter ones.") from None
        if not line:
            return None
        head = _object(line)
        n_data, n_payload = (_length(head, f"{name}_length") for name in ("data", "payload"))
        if n_data > MAX_DATA_BYTES or n_payload > self._limits.max_message_bytes:
            raise Problem(
                "message_too_large",
                f"a message of {n_data + n_payload} bytes came, but {MAX_DATA_BYTES} of data and "
                f"{self._limits.max_message_bytes} of sound are the most: send shorter chunks.",
            )
        try:
            rest = await asyncio.wait_for(
                self._reader.readexactly(n_data + n_payload), self._limits.body_pause_s
            )
        except (TimeoutError, asyncio.TimeoutError):
            raise Problem("slow_request", "a message did not come whole in time.") from None
        given = head.get("data")
        data = given if isinstance(given, dict) else {}
        if n_data:
            data = {**data, **_object(rest[:n_data])}
        return Message(
            head["type"] if isinstance(head.get("type"), str) else "", data, rest[n_data:]
        )

    async def _take(self, message: Message) -> None:
        if self._guest is not None and message.type != "audio-chunk":
            self._guest.count_text()
        match message.type:
            case "describe":
                await self._send("info", self._info())
            case "ping":
                await self._send("pong", {"text": message.data.get("text")})
            case "audio-start":
                await self._finish()
                self._begin(message.data)
            case "audio-chunk":
                if self._guest is None:
                    self._begin(message.data)
                self._hear(message)
            case "audio-stop":
                await self._finish()
            # What is not known is left out, as the protocol wants it.

    def _begin(self, data: dict[str, Any]) -> None:
        check_ready(self._services)
        rate, width, channels = (_number(data, name) for name in ("rate", "width", "channels"))
        if (
            not MIN_SAMPLE_RATE_HZ <= rate <= MAX_SAMPLE_RATE_HZ
            or width not in WIDTHS
            or not 1 <= channels <= MAX_CHANNELS
        ):
            raise Problem(
                "start_invalid",
                f"sound of rate {rate}, width {width} and {channels} channels was announced, but "
                f"{MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ} Hz, 1 to 4 bytes and 1 to "
                f"{MAX_CHANNELS} channels are taken.",
            )
        start = Start(sample_rate=rate, channels=channels, source="wyoming", results="all")
        try:
            self._guest = Guest(start, self._services.sessions)
        except InvalidAudioError as error:
            raise Problem("start_invalid", str(error)) from None
        self._bytes = PcmBytes(channels, WAV_CODINGS[1, 8 * width])
        self._width = width
        given = data.get("timestamp")
        self._begin_ms = given if isinstance(given, int) and abs(given) < 10**15 else 0
        self._telling = asyncio.create_task(self._tell(self._guest))

    def _hear(self, message: Message) -> None:
        guest, pcm = self._guest, self._bytes
        assert guest is not None  # noqa: S101  begun just before
        assert pcm is not None  # noqa: S101
        began = (guest.start.sample_rate, self._width, guest.start.channels)
        came = tuple(message.data.get(name, 0) for name in ("rate", "width", "channels"))
        if came != began:
            raise Problem(
                "audio_invalid",
                f"a chunk says {came} for rate, width and channels, but the sound began with "
                f"{began}: it was left out, send audio-start before another form.",
            )
        if len(message.payload) % (self._width * guest.start.channels):
            raise Problem("audio_invalid", "a chunk held no whole samples: it was left out.")
        if message.payload:
            guest.put(pcm.samples(message.payload))

    async def _finish(self) -> None:
        """Report everything of the present session."""
        if self._guest is None or self._telling is None:
            return
        self._guest.end(None)
        await self._telling
        self._guest = None
        self._telling = None

    # -- out

    async def _tell(self, guest: Guest) -> None:
        reason = "end"
        try:
            async for event in guest.events():
                for kind, data in self._messages(event):
                    await self._send(kind, data)
            if guest.farewell is not None:
                raise guest.farewell
        except Problem as problem:
            reason = problem.code
            await self._tell_problem(problem)
            if problem.is_fatal:
                self._writer.close()
        finally:
            guest.leave(reason)

    def _messages(self, event: StreamEvent) -> list[tuple[str, Record]]:
        if isinstance(event, SpeechStarted):
            return [("voice-started", {"timestamp": self._ms(event.start_sample)})]
        told: list[tuple[str, Record]] = []
        if isinstance(event, EmotionResult) and event.kind is Kind.FINAL:
            told.append(("voice-stopped", {"timestamp": self._ms(event.end_sample)}))
        return [*told, ("user-event", {"name": event.type, "data": event.as_record()})]

    def _ms(self, sample: int) -> int:
        return self._begin_ms + round(sample / 16)

    async def _tell_problem(self, problem: Problem) -> None:
        metrics = self._services.sessions.metrics
        metrics.add("serlive_rejected_requests_total", code=problem.code)
        await self._send("error", {"text": str(problem), "code": problem.code})

    async def _send(self, kind: str, data: Record) -> None:
        """Send a message; a reader that does not take it for long is cut off."""
        text = json_line(data).encode()
        head = json_line({"type": kind, "version": __version__, "data_length": len(text)})
        async with self._sending:
            self._writer.write(head.encode() + b"\n" + text)
            try:
                await asyncio.wait_for(self._writer.drain(), STALL_S)
            except (TimeoutError, asyncio.TimeoutError):
                self._writer.transport.abort()
                raise ConnectionResetError from None

    def _info(self) -> Record:
        """Description, under a name of its own: it is none of the kinds that the protocol knows."""
        card = self._services.sessions.model_card()
        about = {
            "attribution": {"name": "ser-live", "url": ""},
            "installed": True,
            "version": __version__,
        }
        model = {
            **about,
            "name": card["id"],
            "description": f"{card['note']} Weights: {card['licence']}",
            "labels": card["labels"],
        }
        program = {
            **about,
            "name": "ser-live",
            "description": "Emotion of speech; results are user-events named emotion.",
            "models": [model],
        }
        kinds = ("asr", "tts", "handle", "intent", "wake", "mic", "snd")
        return {**{kind: [] for kind in kinds}, "emotion": [program]}


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Problem(
            "message_invalid", "what came is no message of Wyoming: the connection is closed."
        )
    return found


def _length(head: dict[str, Any], name: str) -> int:
    value = head.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Problem("message_invalid", f"{name} is no number of bytes: the connection is closed.")
    return value


def _number(data: dict[str, Any], name: str) -> int:
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Problem(
            "start_invalid", f"{name} of the sound is missing: send rate, width, channels."
        )
    return value
