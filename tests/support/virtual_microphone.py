"""A microphone without hardware: a private sound server whose loudspeaker is the microphone.

PortAudio reads the environment once, when it starts: use the microphone from a process
started with `VirtualMicrophone.environment`, not from the one that runs the test.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

import pytest
from debian_packages import missing_portaudio, missing_programs

PROGRAMS = ("pulseaudio", "paplay", "parec", "pactl")

LIKE_THE_PROGRAM = """
import atexit, contextlib
from ser_live.process.sound import prepared_for_sound
arrangements = contextlib.ExitStack()
arrangements.enter_context(prepared_for_sound())
atexit.register(arrangements.close)
"""
"""Beginning of a program that makes the arrangements of the command line."""

_ASOUNDRC = """
pcm.!default { type pulse }
ctl.!default { type pulse }
pcm.vmic { type pulse device "vsink.monitor" }
"""

_SERVER = """
load-module module-native-protocol-unix auth-anonymous=1 socket={socket}
load-module module-null-sink sink_name=vsink rate={rate} channels={channels} format=s16le
set-default-sink vsink
set-default-source vsink.monitor
"""


def missing_sound_server() -> str:
    """Why the virtual microphone cannot be made here; empty where it can."""
    return missing_programs(PROGRAMS) or missing_portaudio()


def require_sound_server() -> None:
    """Skip the test where the virtual microphone cannot be made."""
    if why := missing_sound_server():
        pytest.skip(why)


class VirtualMicrophone:
    """What is played with `play` is what a program hears on the device ``vmic``.

    The device is also the default one.

    Parameters
    ----------
    rate : int
        Sample rate of the sound card, in hertz.
    channels : int
        Channels of the sound card.
    """

    name = "vmic"

    def __init__(self, rate: int = 16_000, channels: int = 1) -> None:
        self.rate = rate
        self.channels = channels
        self._folder = Path(tempfile.mkdtemp(prefix="vmic-"))
        self._server: subprocess.Popen[bytes] | None = None
        self._listener: subprocess.Popen[bytes] | None = None
        socket = self._folder / "native"
        kept = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "PYTHONPATH", "SER_DATA")
        self.environment: dict[str, str] = {
            **{key: os.environ[key] for key in kept if key in os.environ},
            "HOME": str(self._folder),
            "XDG_RUNTIME_DIR": str(self._folder),
            "PULSE_SERVER": f"unix:{socket}",
            "OMP_NUM_THREADS": "1",
        }
        (self._folder / ".asoundrc").write_text(_ASOUNDRC)

    def __enter__(self) -> VirtualMicrophone:
        self.start()
        return self

    def start(self) -> None:
        """Start the sound server, also again after `kill`; returns when it serves."""
        socket = self._folder / "native"
        (self._folder / "server.pa").write_text(
            _SERVER.format(socket=socket, rate=self.rate, channels=self.channels)
        )
        socket.unlink(missing_ok=True)
        with (self._folder / "server.log").open("wb") as log:
            self._server = subprocess.Popen(
                [
                    *("pulseaudio", "-n", "-F", str(self._folder / "server.pa")),
                    *("--exit-idle-time=-1", "--use-pid-file=no", "--daemonize=no"),
                    *("--disallow-exit=yes", "--log-target=stderr"),
                ],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        deadline_s = time.monotonic() + 10
        while not self._pactl("get-default-source", check=False).startswith("vsink"):
            if time.monotonic() > deadline_s or self._server.poll() is not None:
                said = (self._folder / "server.log").read_text(errors="replace")
                self.__exit__(None, None, None)
                raise RuntimeError(f"the sound server did not start: {said}")
            time.sleep(0.05)
        self._listen()

    def _listen(self) -> None:
        """Keep the sound card on time with a listener of its own.

        Left alone it works in steps of 2 s, as no real one does; the first step would be as
        long if the listener came only then, so the card sleeps until it is there.
        """
        self.suspend()
        if self._listener is not None:
            self._listener.kill()
            self._listener.wait(timeout=10)
        self._listener = subprocess.Popen(
            ["parec", "--device=vsink.monitor", "--latency-msec=20"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline_s = time.monotonic() + 5
        while not self._pactl("list", "short", "source-outputs") and time.monotonic() < deadline_s:
            if self._listener.poll() is not None:
                raise RuntimeError(f"parec ended with code {self._listener.returncode}")
            time.sleep(0.02)
        self.resume()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        if self._listener is not None:
            self._listener.kill()
            self._listener.wait(timeout=10)
        shutil.rmtree(self._folder, ignore_errors=True)

    def play(self, path: str | os.PathLike[str]) -> None:
        """Play a wav or flac file into the microphone; returns when it has been played.

        The sound server swallows up to 20 ms at the beginning (``parec`` hears the same):
        let recordings begin with silence. Everything after that arrives sample for sample.
        """
        subprocess.run(
            ["paplay", "--device=vsink", os.fspath(path)],
            env=self.environment,
            check=True,
            capture_output=True,
            timeout=120,
        )

    def unplug(self) -> None:
        """Take the sound card away while the server goes on."""
        self._pactl("unload-module", "module-null-sink")

    def plug(self, sink: str = "vsink") -> None:
        """Bring the sound card back, or another one; it is the default from now on."""
        self._pactl(
            *("load-module", "module-null-sink", f"sink_name={sink}", "format=s16le"),
            *(f"rate={self.rate}", f"channels={self.channels}"),
        )
        self._pactl("set-default-sink", sink)
        self._pactl("set-default-source", f"{sink}.monitor")
        if sink == "vsink":
            self._listen()

    def add_device(self, name: str, source: str = "") -> None:
        """Put another device before ``vmic`` in every list that is read from now on.

        It hears a source of the sound server, there or not, or else the default one.
        """
        path = self._folder / ".asoundrc"
        of = f' device "{source}"' if source else ""
        path.write_text(f"pcm.{name} {{ type pulse{of} }}\n" + path.read_text())

    def add_card(self, sink: str, rate: int, channels: int) -> None:
        """Add a sound card whose loudspeaker is the source ``SINK.monitor``."""
        self._pactl(
            *("load-module", "module-null-sink", f"sink_name={sink}", "format=s16le"),
            *(f"rate={rate}", f"channels={channels}"),
        )

    def suspend(self) -> None:
        """Let the sound card sleep: it delivers nothing, and the server goes on."""
        self._pactl("suspend-sink", "vsink", "1")

    def resume(self) -> None:
        """Wake the sound card up."""
        self._pactl("suspend-sink", "vsink", "0")

    def kill(self) -> None:
        """End the sound server at once."""
        if self._server is not None:
            self._server.kill()
            self._server.wait(timeout=10)

    def freeze(self) -> None:
        """Stop the sound server without ending it: the device stalls silently."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen sound server go on."""
        assert self._server is not None
        self._server.send_signal(signal.SIGCONT)

    def _pactl(self, *arguments: str, check: bool = True) -> str:
        run = subprocess.run(
            ["pactl", *arguments],
            env=self.environment,
            check=check,
            capture_output=True,
            text=True,
            timeout=10,
        )
        return run.stdout
