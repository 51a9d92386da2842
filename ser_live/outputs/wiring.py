"""A session and its outputs: put together, run to the end, and taken apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

from ser_live.config import Settings
from ser_live.errors import SerLiveError
from ser_live.model.emotion_model import EmotionModel
from ser_live.outputs.fan_out import FanOut, run
from ser_live.outputs.queued import Queued
from ser_live.outputs.sink import Sink
from ser_live.outputs.standard_output import Guarded
from ser_live.records.expiry import Expiring, remember
from ser_live.records.folders import sessions_folder
from ser_live.records.recorder import UtteranceRecorder, keeps
from ser_live.records.session_log import SessionLog
from ser_live.records.tally import Tally
from ser_live.session.live import LiveSession
from ser_live.sources import AudioSource
from ser_live.speaker.profile import SpeakerProfile
from ser_live.stream.roles import Roles

AUDIO_QUEUE = 64
"""Utterances that may wait for the disk that keeps their audio."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The end of a session, as far as it is not in its events."""

    tally: Tally
    log_paths: tuple[Path, ...]
    """Files of the log in their order; several where it had to go on elsewhere."""
    failures: tuple[str, ...]
    """The latest sentence about each output that had trouble."""
    has_lost_output: bool
    """The display, or a file of rows, did not take everything."""
    n_left_behind: int
    """Outputs that failed."""
    first_failure: SerLiveError | None
    """First source that could not be played."""
    has_begun: bool
    """Whether any source could be opened; without one there are no sums and no log."""


def run_session(
    sources: Sequence[AudioSource],
    *,
    model: EmotionModel,
    settings: Settings,
    channels: Sequence[int | None],
    lanes: Roles | None = None,
    profile: SpeakerProfile | None,
    display: Sink,
    rows: Sink | None = None,
    bridges: Sequence[Sink] = (),
    make_log: Callable[[], SessionLog] | None,
    audio_folder: Path | None,
    expires_at: str | None = None,
    during: Callable[[LiveSession], AbstractContextManager[object]],
) -> Outcome:
    """Run sources as one session, log first, then kept audio, then the display.

    Parameters
    ----------
    sources, model, settings, channels, lanes, profile, audio_folder, expires_at
        As for `LiveSession`.
    display : Sink
        On the terminal or a pipe, which may go away.
    rows : Sink, optional
        In a file, beside the display.
    bridges : sequence of Sink
        What other programs are told; none of them may be slow.
    make_log : callable or None
        Makes the log, once nothing else can refuse to begin: none is left without a session.
    during : callable
        Makes a context for the session, from before the terminal is taken until it was
        given back.
    """
    is_live = any(source.is_live for source in sources)
    with ExitStack() as stack:
        sinks: list[Sink] = []
        if audio_folder is not None:
            recorder = UtteranceRecorder(audio_folder, expires_at)
            sinks.append(
                Queued(recorder, capacity=AUDIO_QUEUE, drop_when_full=is_live, wants=keeps)
            )
        session = LiveSession(
            sources,
            model,
            settings,
            channels=channels,
            lanes=lanes,
            drop_when_full=is_live,
            audio_folder=audio_folder,
            profile=profile,
            with_levels=True,
            expires_at=expires_at,
        )
        log = None if make_log is None else stack.enter_context(make_log())
        if log is not None:
            sinks.insert(0, log)
        if expires_at is not None:
            _remember(None if log is None else log.path, audio_folder, expires_at)
        guarded = [Guarded(sink, session.stop) for sink in (display, rows) if sink is not None]
        stack.enter_context(during(session))
        with FanOut([*sinks, *guarded, *bridges]) as fan_out:
            run(session, fan_out)
    has_begun = session.has_begun or session.first_failure is None
    if log is not None and not has_begun:
        log.remove()
    return Outcome(
        tally=session.tally,
        log_paths=() if log is None or not has_begun else (*log.earlier, log.path),
        failures=tuple(fan_out.failures),
        has_lost_output=any(sink.has_lost for sink in guarded),
        n_left_behind=fan_out.n_left_behind,
        first_failure=session.first_failure,
        has_begun=has_begun,
    )


def _remember(log: Path | None, audio_folder: Path | None, expires_at: str) -> None:
    """Put on the list what lies where `ser-live purge` would not look for it."""
    if log is not None and log.parent != sessions_folder():
        remember(log, Expiring.LOG, expires_at)
    if audio_folder is not None:
        remember(audio_folder.resolve(), Expiring.AUDIO, expires_at)
