"""One session of a client: its messages in, its records out, whatever becomes of its connection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from ser_live.events import Cause, EndReason, SessionEnded
from ser_live.server.guests import MAX_BLOCKS
from ser_live.server.outgoing import Outgoing
from ser_live.server.problems import CODES, Problem
from ser_live.server.protocol import Start, read_field, read_object, read_request, read_sound
from ser_live.server.stream_work import Ask, Done, Failed, Outcome
from ser_live.sources import Lost
from ser_live.speaker.profile import SpeakerProfile

if TYPE_CHECKING:
    from ser_live.server.sessions import Sessions

LEFT_IN_ORDER = (1000, 1001)
"""Codes of a client that left on purpose, so that nothing waits for its return."""
GONE = (WebSocketDisconnect, OSError)
"""Errors by which a connection that is gone shows."""
SENT_WITHIN_S = 5.0
"""Longest wait for a reader to take the last records."""


class Session:
    """A client's streams from start to end, over one connection or several.

    All of it runs in the event loop; what takes time is done by `StreamWork` in the pool.
    """

    def __init__(
        self, name: str, start: Start, sessions: Sessions, profile: SpeakerProfile | None
    ) -> None:
        self.name = name
        self.start = start
        self._sessions = sessions
        self._limits = limits = sessions.limits
        self._loop = asyncio.get_running_loop()
        self.work = sessions.work_for(start, profile, self._tell)
        self.outgoing = Outgoing(
            name,
            n_kept=limits.n_kept,
            n_waiting=limits.n_outgoing,
            waiting_bytes=limits.outgoing_bytes,
            on_slow=self._drop_reader,
        )
        self.ended: asyncio.Future[int] = self._loop.create_future()
        """The code to close with, once all was said."""
        self.is_ending = False
        self.is_connected = False
        self.n_received = 0
        """Native samples that came, lost ones included."""
        self._farewell: Problem | None = None
        self._progress = asyncio.Event()
        self._heard_at = self._sound_at = self._loop.time()
        self._paused_at: float | None = None
        self._text_second, self._n_texts = 0, 0
        self._tasks: set[asyncio.Task[Any]] = set()
        """Work of the present connection."""
        self._connection = 0
        """Number of the present connection; an earlier one has nothing to say any more."""
        self._expiry: asyncio.TimerHandle | None = None

    # -- what the connection does

    async def serve(self, socket: WebSocket, seq: int) -> None:
        """Serve a connection that has read the records up to a number, until it or all ends."""
        self._connection += 1
        number = self._connection
        if self._expiry is not None:
            self._expiry.cancel()
        self._heard_at = self._loop.time()
        self.is_connected = True
        # A client that comes back may be quicker than the news that it was gone.
        for task in self._tasks:
            task.cancel()
        self.outgoing.detach()
        self.outgoing.attach(seq)
        tasks: set[asyncio.Task[Any]] = {
            asyncio.create_task(self._read(socket, number)),
            asyncio.create_task(self.outgoing.send_all(socket.send_text)),
            asyncio.create_task(self._watch()),
        }
        self._tasks = tasks
        ended = asyncio.ensure_future(asyncio.shield(self.ended))
        try:
            everything: set[asyncio.Future[Any]] = {*tasks, ended}
            await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
            self._look_at(tasks)
            if self.ended.done() and number == self._connection:
                await self.outgoing.wait_until_sent(SENT_WITHIN_S)
        finally:
            codes = await _cancelled(tasks)
            ended.cancel()
        if number != self._connection:
            await _close(socket, 1001)
        elif self.ended.done():
            self.is_connected = False
            await _close(socket, self.ended.result())
        else:
            self._lose(next((code for code in codes if code is not None), 1006))

    def _look_at(self, tasks: set[asyncio.Task[Any]]) -> None:
        """Tell of a defect in what a connection does; that it is gone is none."""
        for task in tasks:
            error = task.exception() if task.done() and not task.cancelled() else None
            if error is not None and not isinstance(error, GONE):
                self._sessions.report(error)
                self.fail(Problem("internal", "a defect of the program ended the session."))

    async def _read(self, socket: WebSocket, number: int) -> int:
        """Take messages until the connection ends; the code that it ended with."""
        while True:
            await self._wait_for_room()
            message = await socket.receive()
            if number != self._connection:
                return 1001
            if message["type"] == "websocket.disconnect":
                return int(message.get("code") or 1006)
            if self.is_ending:
                continue
            self._heard_at = self._loop.time()
            try:
                if message.get("bytes") is not None:
                    self._take_sound(message["bytes"])
                else:
                    self._take_text(message["text"])
            except Problem as problem:
                self._sessions.metrics.add("serlive_rejected_requests_total", code=problem.code)
                if problem.is_fatal:
                    self.fail(problem)
                else:
                    self.outgoing.say(problem.as_message())

    async def _wait_for_room(self) -> None:
        """Let a client that is ahead wait, by reading nothing of it."""
        limit_s = self._limits.backlog_s
        while (
            self.start.overrun == "wait" and self.work.backlog_s > limit_s
        ) or self.work.n_blocks > MAX_BLOCKS:
            self._progress.clear()
            await self._progress.wait()

    async def _watch(self) -> None:
        """Tell once a second how far hearing is, and end what is idle."""
        while True:
            await asyncio.sleep(1.0)
            if not self.is_ending:
                self.outgoing.say(
                    {
                        "type": "heard",
                        "end_s": round(self.work.position_s, 3),
                        "backlog_s": round(self.work.backlog_s, 3),
                        "n_waiting": self.work.n_waiting,
                    }
                )
            # A client that is held back cannot say anything.
            is_held_back = self.work.backlog_s > 0.0
            if not is_held_back and self._loop.time() - self._heard_at > self._limits.idle_s:
                self.end(
                    Problem(
                        "idle",
                        f"neither sound nor ping came for {self._limits.idle_s:g} s: send ping "
                        "while there is nothing to hear.",
                    )
                )

    def _lose(self, code: int) -> None:
        self.is_connected = False
        self.outgoing.detach()
        if code in LEFT_IN_ORDER or self.is_ending:
            self._give_up("left")
        else:
            self._expiry = self._loop.call_later(self._limits.resume_s, self._give_up, "lost")

    def _give_up(self, reason: str) -> None:
        if not self.ended.done():
            self.ended.set_result(1000)
        self.work.abandon()
        self._sessions.forget(self, reason)

    # -- messages

    def _take_sound(self, data: bytes) -> None:
        self._check_size(len(data))
        if self._paused_at is not None:
            raise Problem("audio_invalid", "sound came while paused: send resume before it.")
        try:
            block = read_sound(data, self.start)
        except Problem:
            self._count_text()  # it is answered, so a flood of them is one of texts
            raise
        self._sound_at = self._loop.time()
        self.n_received += len(block)
        self._sessions.metrics.add(
            "serlive_audio_seconds_total", len(block) / self.start.sample_rate
        )
        self.work.put(block)
        if self.start.overrun == "gap" and self.work.backlog_s > self._limits.backlog_s:
            self.work.give_up(self._limits.backlog_s / 2)
        self._sessions.wake(self.work)

    def _take_text(self, text: str) -> None:
        self._count_text()
        self._check_size(len(text))
        message = read_object(text)
        request = read_request(message)
        match message["type"]:
            case "ping":
                pong = {"type": "pong", "id": message.get("id"), "end_s": self._end_s()}
                self.outgoing.say(pong)
            case "flush" | "reset":
                self._ask(Ask(message["type"], request))
            case "mark":
                label = read_field(message, "label", "text")
                start_s = read_field(message, "start_s", "time")
                self._ask(Ask("mark", request, label=label, start_s=start_s))
            case "note":
                text = read_field(message, "text", "text")
                rating = read_field(message, "rating", "rating")
                self._ask(Ask("note", request, label=text, rating=rating))
            case "pause":
                if self._paused_at is None:
                    self._paused_at = self._loop.time()
                self._ask(Ask("pause", request))
            case "resume":
                self._resume(message, request)
            case "end":
                self.end(None)
            case kind:
                raise Problem(
                    "unknown_type",
                    f"a message of type {kind[:40]!r} came, which is not known: see the protocol.",
                    request=request,
                )

    def _check_size(self, n: int) -> None:
        if n > self._limits.max_message_bytes:
            raise Problem(
                "message_too_large",
                f"a message of {n} bytes came, but {self._limits.max_message_bytes} is the most: "
                "send shorter blocks.",
            )

    def _count_text(self) -> None:
        second = int(self._loop.time())
        if second != self._text_second:
            self._text_second, self._n_texts = second, 0
        self._n_texts += 1
        if self._n_texts > self._limits.max_texts_per_s:
            raise Problem(
                "rate_limited",
                f"more than {self._limits.max_texts_per_s} messages that are no sound came in a "
                "second: send fewer.",
            )

    def _resume(self, message: Mapping[str, Any], request: str | None) -> None:
        if self._paused_at is None:
            raise Problem("message_invalid", "resume came without pause.", request=request)
        given_s = read_field(message, "duration_s", "time")
        paused_s = self._loop.time() - self._paused_at if given_s is None else given_s
        self._paused_at = None
        self._lose_sound(paused_s, Cause.PAUSED)
        self.outgoing.say({"type": "resumed", "request": request, "end_s": self._end_s()})

    def _ask(self, ask: Ask) -> None:
        self.work.put(ask)
        self._sessions.wake(self.work)

    def _lose_sound(self, duration_s: float, cause: Cause) -> None:
        n_lost = round(duration_s * self.start.sample_rate)
        if n_lost:
            self.n_received += n_lost
            self.work.put(Lost(n_lost, cause))
            self._sessions.wake(self.work)

    def _end_s(self) -> float:
        return round(self.n_received / self.start.sample_rate, 3)

    # -- its end, its return

    def come_back(self) -> None:
        """Note what was missed while no connection was there."""
        missed_s = self._loop.time() - self._sound_at
        if self.start.overrun == "gap" and self._paused_at is None:
            self._lose_sound(missed_s, Cause.DISCONNECTED)
        # With overrun wait the client sends on from here, so that nothing is missing.
        self.outgoing.say({"type": "session_resumed", "end_s": self._end_s()})

    def end(self, farewell: Problem | None) -> None:
        """End in order: everything heard is reported first."""
        if self.is_ending:
            return
        self.is_ending = True
        self._farewell = farewell
        self._ask(Ask("end"))

    def fail(self, problem: Problem) -> None:
        """End at once, with a reason."""
        if self.ended.done():
            return
        self.is_ending = True
        self.work.abandon()
        self.outgoing.say(problem.as_message(), is_last=True)
        self.ended.set_result(CODES[problem.code].close or 1008)
        self._sessions.forget(self, problem.code)

    def _drop_reader(self) -> None:
        self.fail(
            Problem(
                "slow_reader",
                "more records waited than fit: read them while you send.",
            )
        )

    # -- from the pool

    def _tell(self, outcomes: Sequence[Outcome]) -> None:
        """Hand outcomes to the event loop; called in a thread of the pool."""
        self._sessions.call_soon(self._deliver, outcomes)

    def _deliver(self, outcomes: Sequence[Outcome]) -> None:
        self._progress.set()
        if self.ended.done():
            return
        for outcome in outcomes:
            if isinstance(outcome, Done):
                self._finish(outcome)
            elif isinstance(outcome, Failed):
                self._sessions.report(outcome.error)
                self.fail(Problem("internal", "a defect of the program ended the session."))
            else:
                self._sessions.metrics.count(outcome)
                self._sessions.tell_others(self.name, outcome)
                if self.start.shows(outcome):
                    self.outgoing.say(outcome.as_record())

    def _finish(self, done: Done) -> None:
        answers = {"flush": "flushed", "reset": "reset_done", "pause": "paused"}
        if done.ask.type in answers:
            end_s = round(done.end_s, 3)
            kind = answers[done.ask.type]
            self.outgoing.say({"type": kind, "request": done.ask.request, "end_s": end_s})
        if done.ask.type == "reset":
            self._sessions.tell_others_of_end(self.name)
        if done.ask.type != "end":
            return
        tally = self.work.tally
        reason = EndReason.END if self._farewell is None else EndReason.INTERRUPT
        self.outgoing.say(
            SessionEnded(
                reason=reason,
                duration_s=done.end_s,
                n_utterances=tally.n_finals,
                n_dropped=tally.n_dropped,
                n_gaps=tally.n_gaps,
                emotions=dict(tally.emotions),
                states=dict(tally.states),
                latency_ms_p50=tally.latency_ms(50),
                latency_ms_p95=tally.latency_ms(95),
            ).as_record(),
            is_last=True,
        )
        code = 1000
        if self._farewell is not None:
            self.outgoing.say(self._farewell.as_message(), is_last=True)
            code = CODES[self._farewell.code].close
        self.ended.set_result(code)
        self._sessions.forget(self, "end" if self._farewell is None else self._farewell.code)


async def _cancelled(tasks: set[asyncio.Task[Any]]) -> list[int | None]:
    """Cancel tasks and give what they had returned, ``None`` for none."""
    for task in tasks:
        task.cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    return [value if isinstance(value, int) else None for value in found]


async def _close(socket: WebSocket, code: int) -> None:
    """Close a connection, which may be gone."""
    with suppress(RuntimeError, OSError):
        await socket.close(code)
