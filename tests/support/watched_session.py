"""Sessions whose sockets and files are watched, for tests of privacy and the reliability page.

Python's own sockets are watched by an audit hook. PortAudio and onnxruntime do not go
through Python: strace sees what every thread asks of the system.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from debian_packages import missing_programs
from virtual_microphone import VirtualMicrophone

SER_LIVE = (sys.executable, "-m", "ser_live")

SOUND_SERVERS = ("/native", "/jack_default_0_0")
"""How the Unix sockets end by which PortAudio talks to PulseAudio, and looks for JACK."""

PROBE_BYTES = 4
"""Python writes so much, once, to find out whether the folder for temporary files works."""

_HOOK = """
import os, sys

def watch(event, arguments):
    if event.startswith(("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.")):
        with open(os.environ["SOCKET_EVENTS"], "a") as seen:
            seen.write(f"{event} {arguments!r}\\n")
        raise PermissionError(f"no network here: {event}")

sys.addaudithook(watch)
"""

_CALLS = "socket,connect,bind,sendto,sendmsg,write,writev,pwrite64,pwritev,pwritev2"
_SOCKET = re.compile(r"^\d+ +socket\((AF_\w+)")
_ADDRESS = re.compile(r"^\d+ +(?:connect|bind|sendto|sendmsg)\(.*?sa_family=(AF_\w+)(.*)")
_UNIX_PATH = re.compile(r'sun_path=@?"([^"]*)"')
_WRITE = re.compile(r"^\d+ +p?writev?\w*\(\d+<(/[^>]*)>(?:\(deleted\))?, .*?, (\d+)")


def socket_events(
    arguments: Sequence[object], folder: Path, environment: Mapping[str, str] = os.environ
) -> tuple[subprocess.CompletedProcess[bytes], list[str]]:
    """Run Python with sockets forbidden; the process and what it tried, one line an attempt."""
    hook = folder / "hook"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(_HOOK)
    events = folder / "events"
    events.touch()
    result = subprocess.run(
        [sys.executable, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=180,
        env={
            **environment,
            "PYTHONPATH": first_on_path(hook, environment),
            "SOCKET_EVENTS": str(events),
        },
    )
    return result, events.read_text().splitlines()


def first_on_path(folder: Path, environment: Mapping[str, str] = os.environ) -> str:
    """PYTHONPATH with `folder` before what it names already."""
    return os.pathsep.join([str(folder), *filter(None, [environment.get("PYTHONPATH")])])


def missing_tracer() -> str:
    """Why the system's calls cannot be watched here; empty where they can."""
    if why := missing_programs(["strace"]):
        return why
    tried = subprocess.run(["strace", "-qq", "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"strace may not watch here: {tried.stderr.strip()}"


def without_network() -> list[str] | None:
    """Words before a command that run it where no network exists; None where that is refused."""
    if shutil.which("unshare") is None:
        return None
    words = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "-rn"]
    tried = subprocess.run([*words, "true"], capture_output=True, check=False)
    return words if tried.returncode == 0 else None


@dataclass
class Trace:
    """What a process and its children asked of the system."""

    families: set[str] = field(default_factory=set)
    """Address families of all sockets made."""
    addresses: set[str] = field(default_factory=set)
    """Peers named: the path of a Unix socket, else family and address."""
    n_bytes: dict[str, int] = field(default_factory=dict)
    """Bytes written, by file on a disk; memory, devices, pipes and sockets are left out."""


def traced_command(trace_file: Path) -> list[str]:
    """Words before a command that let it be watched; read the file with `read_trace`."""
    words = ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "0", "-o", str(trace_file)]
    return [*words, "-e", f"trace={_CALLS}", "-e", "signal=none"]


def read_trace(trace_file: Path) -> Trace:
    """What `traced_command` recorded."""
    trace = Trace()
    for line in trace_file.read_text(errors="replace").splitlines():
        if found := _SOCKET.match(line):
            trace.families.add(found[1])
        elif found := _ADDRESS.match(line):
            path = _UNIX_PATH.search(found[2])
            trace.addresses.add(path[1] if path else f"{found[1]}{found[2]}")
        elif (found := _WRITE.match(line)) and not found[1].startswith(("/dev/", "/memfd:")):
            trace.n_bytes[found[1]] = trace.n_bytes.get(found[1], 0) + int(found[2])
    return trace


def traced(
    arguments: Sequence[object], folder: Path, environment: Mapping[str, str] = os.environ
) -> Trace:
    """Run a command of ser-live to its good end, and tell what it asked of the system."""
    result = subprocess.run(
        [*traced_command(folder / "trace"), *SER_LIVE, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=180,
        env=environment,
    )
    assert result.returncode == 0, result.stderr.decode()
    return read_trace(folder / "trace")


def listen(microphone: VirtualMicrophone, talk: Path, folder: Path, *arguments: str) -> bytes:
    """What a watched session says of `talk`, played into the microphone; ended by Ctrl-C."""
    process = subprocess.Popen(
        [*traced_command(folder / "trace"), *SER_LIVE, "listen", "--format", "jsonl", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**microphone.environment, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(folder)},
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline() for _ in range(2)]
        time.sleep(1.0)
        microphone.play(talk)
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return b"".join(lines) + rest


def files_below(*folders: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of change of every file below the folders."""
    return {
        path: (path.lstat().st_size, path.lstat().st_mtime_ns)
        for folder in folders
        for path in folder.rglob("*")
        if not path.is_dir()
    }
