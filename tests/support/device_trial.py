"""Faults of a microphone, really made under a running session, and what it made of them."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from virtual_microphone import VirtualMicrophone

from ser_live.sources.steady_clock import steady_s

LISTENER = """
import ctypes, gc, itertools, json, signal, sys
from ser_live.config import Settings
from ser_live.events import Level
from ser_live.model.emotion_model import EmotionModel
from ser_live.process.sound import prepared_for_sound
from ser_live.session.live import LiveSession
from ser_live.sources import MicrophoneSource, ReconnectingMicrophone
from ser_live.sources.steady_clock import steady_s

# PulseAudio takes any format from PortAudio. What a card with one format would insist on
# is said here; the streams are real ones.
formats = itertools.cycle(json.loads(sys.argv[1]) or [(None, None)])

def make(device, sample_rate=None, n_channels=None):
    rate, channels = next(formats)
    return MicrophoneSource(device, rate or sample_rate, channels or n_channels)

def say(**record):
    print(json.dumps({"at_s": steady_s(), **record}), flush=True)

source = ReconnectingMicrophone("vmic", make=make)
model = EmotionModel.load("classic")
tidied_s = 0.0
with prepared_for_sound(), LiveSession(
    [source], model, Settings(), drop_when_full=True, with_levels=True
) as session:
    signal.signal(signal.SIGINT, lambda *_: session.stop())
    while not session.finished:
        for event in session.poll(0.02):
            if isinstance(event, Level):
                say(type="clock", position_s=event.sample / 16000)
            elif event.is_logged:
                say(**event.as_record())
        if steady_s() - tidied_s > 1:
            tidied_s = steady_s()
            gc.collect()
            try:  # so that memory that is free but kept counts as free
                ctypes.CDLL(None).malloc_trim(0)
            except AttributeError:
                pass
"""

FORMATS = {"rate change": [(16_000, 1), (48_000, 2), (44_100, 1)]}
"""Formats that a card insists on, at its first and each later opening."""


@dataclass(frozen=True)
class Resources:
    """What the process holds."""

    n_threads: int
    n_files: int
    memory_kb: int

    @classmethod
    def of(cls, pid: int) -> Resources:
        folder = Path("/proc") / str(pid)
        return cls(
            n_threads=len(list((folder / "task").iterdir())),
            n_files=len(list((folder / "fd").iterdir())),
            memory_kb=int((folder / "statm").read_text().split()[1]) * 4,
        )


@dataclass(frozen=True)
class Cycle:
    """One fault from which the session recovered."""

    fault: str
    noticed_s: float
    """From the fault to the event in the session's hands."""
    recovered_s: float
    """From the device being there again to its being heard."""
    unlogged_s: float
    """Time on the sample clock from the loss to the recovery that the gap does not tell."""
    off_s: float
    """How much further the sample clock was behind the steady clock after it than before."""
    resources: Resources


@dataclass
class Outcome:
    """What a trial came to."""

    n_faults: int
    cycles: list[Cycle] = field(default_factory=list)
    before: Resources | None = None
    end_s: float = float("nan")
    """From the wish to end until the process was gone."""
    problem: str = ""
    """Why the trial was broken off; empty when it was not."""

    @property
    def unaccounted_s(self) -> float:
        """How much longer the steady clock ran than the sample clock, over all faults."""
        return sum(cycle.off_s for cycle in self.cycles)


class Listener:
    """A process with a live session on the virtual microphone; it says what happens."""

    def __init__(
        self, microphone: VirtualMicrophone, formats: Sequence[tuple[int, int]] = ()
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", LISTENER, json.dumps(list(formats))],
            env=microphone.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.records: list[dict[str, Any]] = []
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def wait_for(self, kind: str, limit_s: float) -> dict[str, Any]:
        """The next record of a kind; everything on the way is kept in `records`."""
        deadline_s = time.monotonic() + limit_s
        while True:
            try:
                record = self._lines.get(timeout=max(0.0, deadline_s - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"no {kind} within {limit_s:g} s") from None
            if record is None:
                raise TimeoutError(f"the session ended while {kind} was waited for")
            self.records.append(record)
            if record["type"] == kind:
                return record

    def lag_s(self, listen_s: float) -> float:
        """How far the sample clock is behind the steady clock, by its least late record."""
        end_s = time.monotonic() + listen_s
        lags = []
        while time.monotonic() < end_s:
            record = self.wait_for("clock", 5.0)
            lags.append(record["at_s"] - record["position_s"])
        return min(lags)

    def stop(self) -> float:
        """End the session in order; how long it took, in seconds."""
        began_s = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=10)
            raise TimeoutError("the session did not end within 30 s") from None
        finally:
            self._reader.join(timeout=10)
        took_s = time.monotonic() - began_s
        with contextlib.suppress(queue.Empty):
            while (record := self._lines.get_nowait()) is not None:
                self.records.append(record)
        return took_s

    def close(self) -> str:
        """Let the process go; what it printed on standard error."""
        self.process.kill()
        self._reader.join(timeout=10)
        with self.process:
            assert self.process.stderr is not None
            return self.process.stderr.read()


def break_and_mend(
    microphone: VirtualMicrophone, fault: str
) -> tuple[Callable[[], None], Callable[[], None]]:
    """What makes the fault, and what brings the device back."""
    if fault == "rate change":
        other = 48_000 if microphone.rate != 48_000 else 44_100
        microphone.rate, microphone.channels = other, 3 - microphone.channels
    return {
        "unload": (microphone.unplug, microphone.plug),
        "kill": (microphone.kill, microphone.start),
        "stall": (microphone.freeze, microphone.thaw),
        "suspend": (microphone.suspend, microphone.resume),
        "rate change": (microphone.unplug, microphone.plug),
    }[fault]


def run_trial(faults: Sequence[str], *, away_s: float = 1.0, settle_s: float = 1.2) -> Outcome:
    """Make the faults one after the other under one session."""
    outcome = Outcome(len(faults))
    formats = next((FORMATS[fault] for fault in faults if fault in FORMATS), ())
    with VirtualMicrophone() as microphone:
        listener = Listener(microphone, formats)
        try:
            _run_cycles(outcome, faults, microphone, listener, away_s, settle_s)
        except TimeoutError as error:
            outcome.problem = str(error)
        finally:
            microphone.thaw()
            try:
                outcome.end_s = listener.stop()
            except TimeoutError as error:
                outcome.problem = outcome.problem or str(error)
            errors = listener.close()
            if listener.process.returncode != 0 or errors:
                outcome.problem = f"{outcome.problem} {errors}".strip() or "the session failed"
    return outcome


def _run_cycles(
    outcome: Outcome,
    faults: Sequence[str],
    microphone: VirtualMicrophone,
    listener: Listener,
    away_s: float,
    settle_s: float,
) -> None:
    listener.wait_for("clock", 60.0)
    lag_s = listener.lag_s(1.5)
    outcome.before = Resources.of(listener.process.pid)
    for fault in faults:
        break_it, mend_it = break_and_mend(microphone, fault)
        broken_s = steady_s()
        break_it()
        lost = listener.wait_for("device_lost", 10.0)
        time.sleep(away_s)
        mend_it()
        mended_s = steady_s()
        gap = listener.wait_for("gap", 20.0)
        found = listener.wait_for("device_found", 5.0)
        lag_before_s, lag_s = lag_s, listener.lag_s(settle_s)
        outcome.cycles.append(
            Cycle(
                fault,
                lost["at_s"] - broken_s,
                found["at_s"] - mended_s,
                found["start_s"] - lost["start_s"] - gap["duration_s"],
                lag_s - lag_before_s,
                Resources.of(listener.process.pid),
            )
        )


def end_during_stall() -> float:
    """Seconds from the wish to end until the process is gone, with the server stopped.

    Raises
    ------
    TimeoutError
        It did not end.
    """
    with VirtualMicrophone() as microphone:
        listener = Listener(microphone)
        try:
            listener.wait_for("clock", 60.0)
            microphone.freeze()
            listener.wait_for("device_lost", 10.0)
            return listener.stop()
        finally:
            microphone.thaw()
            listener.close()
