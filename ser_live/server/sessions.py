"""All sessions of the server, and what they share: the model, the pool, the counts."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ser_live.config import Settings
from ser_live.errors import InvalidAudioError, ProfileError
from ser_live.events import Record, StreamEvent
from ser_live.model.emotion_model import EmotionModel
from ser_live.server.crew import Crew
from ser_live.server.guests import Guest
from ser_live.server.limits import Limits
from ser_live.server.metrics import Metrics
from ser_live.server.pool import Pool
from ser_live.server.problems import Problem
from ser_live.server.protocol import Start
from ser_live.server.remote import RemoteUpload, RemoteWork
from ser_live.server.session import SENT_WITHIN_S, Session
from ser_live.server.stream_work import Outcome, StreamWork
from ser_live.server.teller import Teller, session_started
from ser_live.server.upload_work import Uploaded, UploadWork
from ser_live.speaker.memory import SpeakerMemory
from ser_live.speaker.profile import SpeakerProfile, load_profile
from ser_live.stream.analysis import warm_up

if TYPE_CHECKING:
    from starlette.websockets import WebSocket


class Sessions:
    """Sessions by name; made in the event loop that serves them.

    Parameters
    ----------
    model : EmotionModel
        Shared by all; it does not change.
    settings : Settings
    limits : Limits
    report : callable
        Takes an error that no client is to blame for.
    teller : Teller, optional
        Tells other programs what is heard.
    """

    def __init__(
        self,
        model: EmotionModel,
        settings: Settings,
        limits: Limits,
        report: Callable[[BaseException], None],
        teller: Teller | None = None,
    ) -> None:
        self.model = model
        self._teller = teller
        self.settings = settings
        self.limits = limits
        self.metrics = Metrics()
        self.report = report
        self.pool: Pool | Crew = (
            Crew(model, limits.n_processes, report)
            if limits.n_processes
            else Pool(limits.n_threads)
        )
        self.ready = asyncio.Event()
        self.is_draining = False
        self._n_starting = 0
        self._serving: set[asyncio.Task[Any]] = set()
        """Connections with a session."""
        self.open: dict[str, Session | Guest] = {}
        self._loop = asyncio.get_running_loop()

    async def warm_up(self) -> None:
        """Run the model once, so that no client waits for its set-up."""
        if isinstance(self.pool, Crew):
            await self.pool.ready.wait()
            if self.pool.is_broken:
                self.pool.close(0.0)
                self.pool = Pool(self.limits.n_threads)
        if isinstance(self.pool, Pool):
            await asyncio.to_thread(warm_up, self.model)
        self.ready.set()

    @property
    def is_ready(self) -> bool:
        """Whether sessions are taken."""
        return self.ready.is_set()

    async def watch_loop(self) -> None:
        """Note how late the event loop is, for ever."""
        while True:
            began_s = self._loop.time()
            await asyncio.sleep(0.05)
            self.metrics.loop_lags_s.append(max(0.0, self._loop.time() - began_s - 0.05))

    def call_soon(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function in the event loop, from any thread; nothing once that is closed."""
        if isinstance(self.pool, Crew):  # its news come within the loop, which nothing must wake
            self._loop.call_soon(function, *arguments)
            return
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)

    def work_for(
        self,
        start: Start,
        profile: SpeakerProfile | None,
        tell: Callable[[Sequence[Outcome]], None],
    ) -> StreamWork | RemoteWork:
        """Work of a session, in the pool's threads or in a process of the crew."""
        settings = self.settings_for(start)
        start = replace(start, tells_others=self._teller is not None)
        if isinstance(self.pool, Crew):
            return self.pool.begin(start, settings, profile, tell)
        return StreamWork(start, self.model, settings, profile, tell)

    def begin_upload(
        self, path: str, channel: int | None, tell: Callable[[Uploaded], None]
    ) -> UploadWork | RemoteUpload:
        """Begin the work on a recording."""
        if isinstance(self.pool, Crew):
            return self.pool.begin_upload(path, channel, self.settings, tell)
        work = UploadWork(path, channel, self.model, self.settings, tell)
        self.pool.wake(work)
        return work

    def wake(self, work: StreamWork | RemoteWork) -> None:
        """Let what waits of a session be heard; harmless when repeated."""
        if isinstance(work, RemoteWork):
            work.forward()
        else:
            self.pool.wake(work)

    def tell_others(self, session: str, event: StreamEvent) -> None:
        """Tell other programs of an event, where any were asked for."""
        if self._teller is not None:
            self._teller.take(session, event)

    def tell_others_of_end(self, session: str) -> None:
        """Tell other programs that what they were told of a session holds no longer."""
        if self._teller is not None:
            self._teller.leave(session)

    def settings_for(self, start: Start) -> Settings:
        """Settings of a session."""
        return replace(self.settings, adapt=start.adapt)

    async def serve(self, start: Start, socket: WebSocket) -> None:
        """Serve a connection that asked for a new session, or for one that it had."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine runs in one
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        if self.is_draining:
            raise Problem("shutting_down", "the server ends: try again later.")
        if start.resume is not None:
            session = self.open.get(start.resume.session)
            seq = start.resume.seq
            if (
                not isinstance(session, Session)
                or session.is_ending
                or not session.outgoing.has(seq)
            ):
                raise Problem(
                    "resume_unknown",
                    "no session of that name waits, or its records are gone: begin a new one.",
                )
            session.come_back()
            await session.serve(socket, seq)
            return
        session = await self._begin(start)
        await session.serve(socket, 0)

    async def _begin(self, start: Start) -> Session:
        self.check_room()
        if start.model not in (None, self.model.card.id):
            raise Problem(
                "model_unknown",
                f"this server has the model {self.model.card.id}: leave model out.",
                param="model",
            )
        profile = await asyncio.to_thread(self._profile, start.speaker)
        self.check_room()
        try:
            session = Session(secrets.token_urlsafe(12), start, self, profile)
        except InvalidAudioError as error:
            raise Problem("start_invalid", str(error), param="sample_rate") from None
        self.admit(session)
        session.outgoing.say(self._started(session, profile))
        self.wake(session.work)
        return session

    def admit(self, session: Session | Guest) -> None:
        """Count a session among those that are open."""
        self.open[session.name] = session
        self.metrics.put("serlive_sessions", len(self.open))

    @contextmanager
    def waiting_to_start(self) -> Iterator[None]:
        """Count a connection that did not send its start yet."""
        self._n_starting += 1
        try:
            yield
        finally:
            self._n_starting -= 1

    def check_starting(self) -> None:
        """Refuse a connection where too many say nothing already."""
        if self._n_starting >= self.limits.max_starting:
            raise Problem(
                "server_full",
                f"{self._n_starting} connections sent no start yet: try again later.",
                retry_after_s=self.limits.start_s,
            )

    def check_room(self) -> None:
        """Refuse a session that is one too many."""
        if len(self.open) >= self.limits.max_sessions:
            raise Problem(
                "server_full",
                f"{self.limits.max_sessions} sessions are open, which is the limit: try again "
                "later.",
                retry_after_s=10.0,
            )

    def _profile(self, speaker: str | None) -> SpeakerProfile | None:
        if speaker is None:
            return None
        try:
            profile = load_profile(speaker)
            SpeakerMemory(self.model, profile=profile)  # one that does not fit is refused here
        except ProfileError:
            raise Problem(
                "speaker_unknown",
                f"no fitting speaker {speaker!r} is enrolled here: run `ser-live enroll`.",
                param="speaker",
            ) from None
        return profile

    def _started(self, session: Session, profile: SpeakerProfile | None) -> Record:
        event = session_started(
            self.model,
            self.settings_for(session.start),
            None if profile is None else profile.card.name,
        )
        return {
            **event.as_record(),
            "protocol": 1,
            "limits": self.limits.for_clients(),
            "model_card": self.model_card(),
            "told_to": [] if self._teller is None else self._teller.told_of(session.name),
        }

    def model_card(self) -> Record:
        """Short form of the model's card, with its limits in words."""
        card = self.model.card
        return {
            "id": card.id,
            "kind": card.kind,
            "labels": list(card.labels),
            "licence": card.licence,
            "sha256": card.weights_sha256,
            "note": "Trained on acted speech, so strangers' plain talk is told less well. No "
            "diagnosis, and not for judging workers or students.",
        }

    def forget(self, session: Session | Guest, reason: str) -> None:
        """Note that a session is over."""
        if self.open.pop(session.name, None) is not None:
            self.tell_others_of_end(session.name)
            self.metrics.add("serlive_sessions_total", end_reason=reason)
            self.metrics.put("serlive_sessions", len(self.open))

    async def drain(self) -> None:
        """End every session in order, and wait for them as long as the limit says."""
        self.is_draining = True
        sessions = list(self.open.values())
        for session in sessions:
            session.end(
                Problem("shutting_down", "the server ends: what was heard was reported before.")
            )
        if sessions:
            await asyncio.wait([s.ended for s in sessions], timeout=self.limits.drain_s)
        for session in list(self.open.values()):
            session.fail(Problem("shutting_down", "the server ends before all was reported."))
        # The last records are still on their way: what ends the server would cut them off.
        if self._serving:
            await asyncio.wait(self._serving, timeout=SENT_WITHIN_S)
