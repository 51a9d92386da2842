"""Listening for programs: a live session with its source, model and profile found by name."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from ser_live.config import Settings
from ser_live.errors import UsageError
from ser_live.events import Event
from ser_live.model.emotion_model import EmotionModel
from ser_live.session.controls import Controlled, Orders
from ser_live.session.live import POLL_S, LiveSession
from ser_live.sources import AudioSource, FileSource, ReconnectingMicrophone
from ser_live.speaker.profile import SpeakerProfile
from ser_live.stream.analyzer import known_speaker, loaded
from ser_live.stream.channels import Channels, roles_by_channel
from ser_live.stream.roles import Roles


class Listening(Controlled):
    """The events of one source while it is heard; made by `listen`.

    A context manager: it listens from the beginning of the ``with`` block to its end, however
    that is left. Inside, iterate over it, or call `poll` from a loop of your own.

    Parameters
    ----------
    session : LiveSession
        Not started yet.
    """

    def __init__(self, session: LiveSession) -> None:
        self._session = session
        self._orders = session.orders
        self._is_begun = False
        self._is_over = False
        self._waiting: deque[Event] = deque()
        """Events that `poll` took from the session and that iterating has not given yet."""
        self._is_failure_told = False

    def __enter__(self) -> Listening:
        """Begin to listen."""
        if self._is_begun:
            raise UsageError("this listening was begun before: call listen() for a new one.")
        self._is_begun = True
        self._session.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the source; what was not given yet is given up."""
        self._is_over = True
        self._session.__exit__(kind, error, trace)

    def __iter__(self) -> Iterator[Event]:
        """Give every event, waiting for each, until the source ends or `stop` was called.

        A loop that was left can be followed by another, which goes on where it ended.

        Raises
        ------
        AudioError, DeviceError
            The source cannot be opened, or broke off; after all that was heard before.
        UsageError
            Outside of the ``with`` block.
        """
        while not self.finished:
            self._waiting.extend(self.poll(POLL_S))
            while self._waiting:
                yield self._waiting.popleft()

    @property
    def orders(self) -> Orders:
        """Orders to the session, for what stands in front of it."""
        return self._orders

    @property
    def finished(self) -> bool:
        """Whether every event was given; always after the ``with`` block."""
        if self._is_over:
            return True
        is_failure_due = self._session.first_failure is not None and not self._is_failure_told
        return self._session.finished and not self._waiting and not is_failure_due

    def poll(self, timeout_s: float) -> list[Event]:
        """Events since the last call, in order; waits at most `timeout_s` for the first.

        Raises
        ------
        AudioError, DeviceError
            The source cannot be opened, or broke off; after all that was heard before.
        UsageError
            Outside of the ``with`` block.
        """
        if not self._is_begun or self._is_over:
            raise UsageError(
                "events were asked for outside of the `with` block that listens: write `with "
                "listen() as events:` and ask inside."
            )
        if self._waiting:
            events = list(self._waiting)
            self._waiting.clear()
            return events
        if not self._session.finished:
            return self._session.poll(timeout_s)
        failure = self._session.first_failure
        if failure is not None and not self._is_failure_told:
            self._is_failure_told = True
            raise failure
        return []

    def stop(self) -> None:
        """End in order: what was heard so far is still given; from any thread, at once."""
        self._session.stop()


def listen(
    source: AudioSource | str | os.PathLike[str] | None = None,
    *,
    device: int | str | None = None,
    channels: Channels = None,
    model: EmotionModel | str | Path | None = None,
    settings: Settings | None = None,
    speaker: SpeakerProfile | str | None = None,
    with_levels: bool = False,
    keeps_audio: bool = False,
) -> Listening:
    """Listen to the microphone, or to another source, and give the events of the session.

    The program keeps its signal handlers, its logging and its standard streams. Two threads
    work until the ``with`` block ends: left by its end, by ``break``, ``return`` or an error,
    it closes the source.

    Parameters
    ----------
    source : AudioSource, str, path or None
        A source such as `PushedSource`, or a recording, played as it was recorded; ``None``
        for the microphone, which is looked for when it is unplugged meanwhile.
    device : int, str or None
        Index of the microphone or a part of its name; ``None`` for the default one.
    channels : sequence of int, mapping of int to str, or None
        Channels to hear, counted from 0 (on the command line from 1), each as a stream of
        its own with a speaker of its own. A mapping says who speaks on each:
        ``{0: "anna", 1: "ben"}``. `Roles` say to which level each is heard, too.
        ``None`` hears the mean of all as one stream.
    model, settings, speaker, keeps_audio
        As for `Analyzer`.
    with_levels : bool
        Whether to give levels and the length of the queue too, for displays.

    Raises
    ------
    UsageError
        Both a source and a device are given.
    ModelError, ProfileError
        The model or the profile cannot be used.
    """
    if source is not None and device is not None:
        raise UsageError(
            "both a source and a device were given to listen to, but one is needed: leave one out."
        )
    roles = roles_by_channel(channels)
    heard = _source(source, device, channels, list(roles))
    return Listening(
        LiveSession(
            [heard],
            loaded(model),
            settings or Settings(),
            channels=list(roles),
            roles=list(roles.values()),
            lanes=channels if isinstance(channels, Roles) else None,
            drop_when_full=heard.is_live,
            profile=known_speaker(speaker),
            with_levels=with_levels,
            keeps_audio=keeps_audio,
        )
    )


def _source(
    source: AudioSource | str | os.PathLike[str] | None,
    device: int | str | None,
    asked: Channels,
    channels: list[int | None],
) -> AudioSource:
    if source is None:
        # A channel asked for must be among those opened; mono would be the default.
        numbers = [channel for channel in channels if channel is not None]
        return ReconnectingMicrophone(device, n_channels=max(numbers) + 1 if numbers else None)
    if isinstance(source, str | os.PathLike):
        return FileSource(source, roles=asked if isinstance(asked, Roles) else None)
    return source
