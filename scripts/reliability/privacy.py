"""Data that leave the program: none over a network; to disk, only those asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import soundfile

from reliability.row import Row

ROOT = Path(__file__).parents[2]

# Sessions are watched as the tests watch them.
sys.path.insert(0, str(ROOT / "tests" / "support"))

from virtual_microphone import VirtualMicrophone, missing_sound_server  # noqa: E402
from watched_session import (  # noqa: E402
    PROBE_BYTES,
    SER_LIVE,
    SOUND_SERVERS,
    files_below,
    listen,
    missing_tracer,
    read_trace,
    socket_events,
    traced,
    without_network,
)

TITLE = "Privacy"

DEMO = ROOT / "ser_live" / "demo.ogg"

SHORT_S = 8.0
"""Seconds of the demo recording that a short run hears; a full one hears all of it."""

WITH_UMASK = "import os; os.umask(0); from ser_live.cli import main; main()"


def run(*, short: bool, data: Path | None) -> list[Row]:
    """Watch sessions over the demo recording; in short, a live microphone and a purge."""
    del data  # what is said does not matter here
    rows = []
    with tempfile.TemporaryDirectory(prefix="ser-live-privacy-") as name:
        folder = Path(name)
        talk = folder / "talk.wav"
        rate = soundfile.info(DEMO).samplerate
        samples, _ = soundfile.read(DEMO, frames=round(SHORT_S * rate) if short else -1)
        soundfile.write(talk, samples, rate)
        # The tests make the other measurements, over a recording as short.
        measures = [_microphone, _purge]
        if not short:
            measures = [_python, _system, _no_network, _microphone, _disk, _owner, _purge]
        for measure in measures:
            own = folder / measure.__name__
            own.mkdir()
            rows.append(_timed(measure, talk, own))
    return rows


def _timed(measure: Callable[[Path, Path], Row], talk: Path, folder: Path) -> Row:
    began_s = time.monotonic()
    row = measure(talk, folder)
    return Row(row.claim, row.measured, row.bar, row.passes, time.monotonic() - began_s)


def _row(claim: str, measured: str, bar: str, passes: bool) -> Row:
    return Row(claim, measured, bar, passes, 0.0)


def _home(folder: Path) -> dict[str, str]:
    """An environment whose home and temporary files are in `folder`."""
    for name in ("home", "temporary"):
        (folder / name).mkdir(exist_ok=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
    return {
        **kept,
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "temporary"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _commands(talk: Path) -> list[tuple[str, ...]]:
    return [
        ("replay", str(talk), "--speed", "0", "--format", "jsonl"),
        ("demo", "--speed", "0", "--format", "lines"),
        ("enroll", "anna", "--file", str(DEMO)),
    ]


def _python(talk: Path, folder: Path) -> Row:
    claim = "replay, demo and enrolment run with every socket of Python forbidden"
    n_done, tried = 0, 0
    for arguments in _commands(talk):
        result, events = socket_events(["-m", "ser_live", *arguments], folder, _home(folder))
        n_done += result.returncode == 0
        tried += len(events)
    measured = f"{n_done} of 3 sessions, {tried} attempts"
    return _row(claim, measured, "3, 0 attempts", (n_done, tried) == (3, 0))


def _system(talk: Path, folder: Path) -> Row:
    claim = "nor does any native thread open a socket (system calls traced)"
    bar = "0 sockets"
    if why := missing_tracer():
        return _row(claim, f"not measured: {why}", bar, False)
    families = [traced(arguments, folder, _home(folder)).families for arguments in _commands(talk)]
    found = sorted(set().union(*families))
    return _row(claim, f"{', '.join(found) or '0 sockets'} in 3 sessions", bar, not found)


def _no_network(talk: Path, folder: Path) -> Row:
    claim = "where no network exists, the same results"
    bar = "all equal"
    words = without_network()
    if words is None:
        return _row(claim, "not measured: no network namespace to be had", bar, False)
    results = []
    for before in (list[str](), words):
        output = subprocess.run(
            [*before, *SER_LIVE, *_commands(talk)[0], "--no-log"],
            check=True,
            capture_output=True,
            env=_home(folder),
            timeout=300,
        ).stdout
        records = [json.loads(line) for line in output.splitlines()]
        results.append([r["probabilities"] for r in records if r.get("kind") == "final"])
    n_equal = sum(a == b for a, b in zip(*results, strict=True))
    measured = f"{n_equal} of {len(results[0])} results equal"
    return _row(claim, measured, bar, n_equal == len(results[0]) > 0)


def _microphone(talk: Path, folder: Path) -> Row:
    claim = "a live microphone: no socket but the sound server's own, no sound on any disk"
    bar = f"0 others, at most {PROBE_BYTES} bytes (Python tries the temporary folder)"
    if why := missing_tracer() or missing_sound_server():
        return _row(claim, f"not measured: {why}", bar, False)
    with VirtualMicrophone() as microphone:
        output = listen(microphone, talk, folder, "--no-log")
    trace = read_trace(folder / "trace")
    others = {address for address in trace.addresses if not address.endswith(SOUND_SERVERS)}
    others |= trace.families - {"AF_UNIX"}
    # PulseAudio's library makes itself a key in a new home.
    # A key for the sound server, and a setting for its library, are not sound.
    n_bytes = sum(
        n
        for name, n in trace.n_bytes.items()
        if Path(name).name != "cookie" and not Path(name).name.startswith("ser-live-pulse-")
    )
    n_results = sum(json.loads(line).get("kind") == "final" for line in output.splitlines())
    measured = f"{len(others)} others, {n_bytes} bytes, {n_results} results"
    return _row(claim, measured, bar, not others and n_bytes <= PROBE_BYTES and n_results > 0)


def _disk(talk: Path, folder: Path) -> Row:
    claim = "a session leaves its log and nothing else"
    before = files_below(folder).keys()
    for more in ([], ["--no-log"]):
        subprocess.run(
            [*SER_LIVE, *_commands(talk)[0], *more],
            check=True,
            capture_output=True,
            cwd=folder,
            env=_home(folder),
            timeout=300,
        )
    new = files_below(folder).keys() - before
    kinds = sorted(path.suffix for path in new)
    return _row(claim, f"{len(new)} files: {', '.join(kinds)}", "1 log", kinds == [".jsonl"])


def _lived_in(talk: Path, folder: Path) -> dict[str, str]:
    """A home with a log, kept audio and a profile, made while the umask forbids nothing."""
    environment = _home(folder)
    for arguments in (
        (*_commands(talk)[0], "--save-audio", str(folder / "home" / "kept")),
        _commands(talk)[2],
    ):
        subprocess.run(
            [sys.executable, "-c", WITH_UMASK, *arguments],
            check=True,
            capture_output=True,
            env=environment,
            timeout=300,
        )
    return environment


def _owner(talk: Path, folder: Path) -> Row:
    claim = "logs, kept audio, profiles and their folders are their owner's alone (umask 000)"
    environment = _lived_in(talk, folder)
    paths = list(Path(environment["HOME"]).rglob("*"))
    n_open = sum(path.stat().st_mode & 0o077 != 0 for path in paths)
    measured = f"{n_open} of {len(paths)} open to others"
    return _row(claim, measured, "0", n_open == 0 < len(paths))


def _purge(talk: Path, folder: Path) -> Row:
    claim = "purge removes all that ser-live wrote, and nothing of others"
    environment = _lived_in(talk, folder)
    home = Path(environment["HOME"])
    own = files_below(home).keys()
    sessions = next(path for path in own if path.suffix == ".jsonl").parent
    profiles = next(path for path in own if path.suffix == ".npz").parent
    (folder / "target").write_text("precious")
    foreign = [sessions / "2026-01-01T000000.jsonl", profiles / "ben.json", profiles / "ben.npz"]
    foreign.append(home / "kept" / "notes.txt")
    for path in foreign:
        path.write_text("mine")
    song, link = home / "kept" / "song-u00001.flac", home / "kept" / "link-u00001.flac"
    soundfile.write(song, [0.0] * 100, 16_000)
    link.symlink_to(folder / "target")
    subprocess.run(
        [*SER_LIVE, "purge", "--yes"],
        check=True,
        capture_output=True,
        env=environment,
        timeout=60,
    )
    left = files_below(folder).keys()
    n_foreign = len(left & {*foreign, song, link, folder / "target"})
    measured = f"{len(own & left)} of {len(own)} own left, {n_foreign} of 7 others left"
    return _row(claim, measured, "0 own, 7 others", (len(own & left), n_foreign) == (0, 7))
