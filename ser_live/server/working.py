"""Body of a process that analyzes sessions for the server."""

from __future__ import annotations

import pickle
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ser_live.config import Settings
from ser_live.errors import AudioError, SerLiveError
from ser_live.model.emotion_model import EmotionModel
from ser_live.process.native_memory import give_back_early
from ser_live.records.tally import Tally
from ser_live.server.load import Load
from ser_live.server.parcels import Parcels, pack
from ser_live.server.pool import Pool
from ser_live.server.protocol import Start
from ser_live.server.sound_queue import Input
from ser_live.server.stream_work import Done, Failed, Outcome, StreamWork
from ser_live.server.upload_work import Uploaded, UploadWork
from ser_live.speaker.profile import SpeakerProfile
from ser_live.stream.analysis import warm_up

_READ_BYTES = 1 << 18

UNSAID_S = 0.1
"""Longest time for which a busy process keeps to itself that it took sound, in seconds."""


@dataclass(frozen=True)
class Begin:
    """A session begins."""

    session: int
    start: Start
    settings: Settings
    profile: SpeakerProfile | None


@dataclass(frozen=True)
class Hear:
    """Sound of a session, or a request at its place."""

    session: int
    item: Input
    came_s: float
    """When it came, by a clock that all processes share."""


@dataclass(frozen=True)
class Forget:
    """Nobody waits for a session any more."""

    session: int


@dataclass(frozen=True)
class Ready:
    """The model is loaded and ran once."""


@dataclass(frozen=True)
class Told:
    """News of a session after a step."""

    session: int
    outcomes: Sequence[Outcome]
    n_taken: int
    """Items that were looked through since the session began."""
    position_s: float
    n_waiting: int
    soonest_s: float
    """Sound, counted from the beginning, before whose end no utterance can become final."""
    hold_s: float
    """Sound that may be put off up to there, as the process has much to do."""
    tally: Tally | None = None
    """Sums of the session, at its end."""


@dataclass(frozen=True)
class Read:
    """A recording is to be read."""

    session: int
    path: str
    channel: int | None
    settings: Settings


@dataclass(frozen=True)
class Found:
    """News of a recording: an event, an error, or ``None`` at its end."""

    session: int
    content: Uploaded
    notes: Sequence[str]
    """Remarks on how it was read."""


Order: TypeAlias = Begin | Hear | Read | Forget


@dataclass
class _Desk:
    """One session here."""

    work: StreamWork
    n_put: int = 0


@dataclass
class _Office:
    """All sessions here, worked on in turn by the one thread that there is."""

    pipe: socket.socket
    model: EmotionModel
    pool: Pool = field(default_factory=lambda: Pool(0))
    desks: dict[int, _Desk] = field(default_factory=dict)
    uploads: dict[int, UploadWork] = field(default_factory=dict)
    parcels: Parcels = field(default_factory=Parcels)
    load: Load = field(default_factory=Load)
    unsaid: dict[int, None] = field(default_factory=dict)
    """Sessions that took sound which nothing was found in, and were not told so yet."""
    said_s: float = 0.0

    def run(self) -> None:
        """Work until the server is gone."""
        is_busy = False
        while self._read(must_wait=not is_busy):
            is_busy = self.pool.do_next()
            if not is_busy or time.monotonic() - self.said_s > UNSAID_S:
                self._say()

    def _read(self, *, must_wait: bool) -> bool:
        """Take the orders that came; whether the server is still there."""
        while must_wait or select.select([self.pipe], [], [], 0)[0]:
            must_wait = False
            data = self.pipe.recv(_READ_BYTES)
            if not data:
                return False
            for order in self.parcels.take(data):
                self._take(order)
        return True

    def _take(self, order: object) -> None:
        match order:
            case Begin():
                session = order.session

                def tell(outcomes: Sequence[Outcome]) -> None:
                    self._tell(session, outcomes)

                work = StreamWork(
                    order.start, self.model, order.settings, order.profile, tell, self.load
                )
                self.desks[session] = _Desk(work)
                self.pool.wake(work)
            case Hear() if order.session in self.desks:
                desk = self.desks[order.session]
                desk.n_put += 1
                desk.work.put(order.item, order.came_s)
                self.pool.wake(desk.work)
            case Read():
                self._read_recording(order)
            case Forget() if order.session in self.desks:
                self.unsaid.pop(order.session, None)
                self.desks.pop(order.session).work.abandon()
            case Forget() if order.session in self.uploads:
                self.uploads.pop(order.session).abandon()
            case _:
                pass

    def _read_recording(self, order: Read) -> None:
        def tell(content: Uploaded) -> None:
            found = _portable(content) if isinstance(content, Exception) else content
            notes = self.uploads[order.session].notes
            self.pipe.sendall(pack(Found(order.session, found, notes)))

        work = UploadWork(order.path, order.channel, self.model, order.settings, tell)
        self.uploads[order.session] = work
        self.pool.wake(work)

    def _tell(self, session: int, outcomes: Sequence[Outcome]) -> None:
        if session not in self.desks:
            return
        if not outcomes:
            self.unsaid[session] = None  # it is told with what else there is
            return
        self.unsaid.pop(session, None)
        self.pipe.sendall(self._told(session, outcomes))

    def _say(self) -> None:
        """Tell what was taken of each session, in one go."""
        self.said_s = time.monotonic()
        if self.unsaid:
            told = b"".join(self._told(session, ()) for session in self.unsaid)
            self.unsaid.clear()
            self.pipe.sendall(told)

    def _told(self, session: int, outcomes: Sequence[Outcome]) -> bytes:
        desk = self.desks[session]
        work = desk.work
        is_over = any(isinstance(o, Done) and o.ask.type == "end" for o in outcomes)
        told = Told(
            session,
            [Failed(_portable(o.error)) if isinstance(o, Failed) else o for o in outcomes],
            desk.n_put - work.n_blocks,
            work.position_s,
            work.n_waiting,
            work.soonest_s,
            self.load.hold_s,
            work.tally if is_over else None,
        )
        return pack(told)


def _portable(error: Exception) -> Exception:
    """An error that another process can be told."""
    try:
        if type(pickle.loads(pickle.dumps(error))) is type(error):  # noqa: S301  just written
            return error
    except (pickle.PickleError, TypeError, AttributeError, ValueError):
        pass
    text = f"{type(error).__name__}: {error}"
    return AudioError(str(error)) if isinstance(error, SerLiveError) else RuntimeError(text)


def work_for(pipe: socket.socket, model: EmotionModel) -> None:
    """Analyze what comes through a socket, until its other end is closed.

    Parameters
    ----------
    pipe : socket
    model : EmotionModel
    """
    give_back_early()
    office = _Office(pipe, model)
    warm_up(model)
    try:
        pipe.sendall(pack(Ready()))
        office.run()
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server is gone, and nobody waits for anything
