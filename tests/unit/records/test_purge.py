"""Purging what ser-live left, as a user does it: real sessions, real files, a real terminal."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from simulated_session import MICROPHONE

import ser_live
from ser_live.events import SessionStarted, SourceFailed, StreamStarted
from ser_live.purge import Kind, remove, take_inventory
from ser_live.records.session_log import SessionLog

DEMO = Path(ser_live.__file__).parent / "demo.ogg"
FOREVER = float("inf")


@pytest.fixture(scope="module")
def lived_in(short_talk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which a session kept log and audio, and a voice was enrolled."""
    home = tmp_path_factory.mktemp("home")
    for arguments in (
        ("replay", short_talk, "--speed", 0, "--save-audio", home / "kept"),
        ("enroll", "anna", "--file", DEMO),
    ):
        assert ser(home, *arguments).returncode == 0
    return home


@pytest.fixture
def home(lived_in: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """That home, its files renewed after each test; this process lives in it too."""
    before = {path: path.read_bytes() for path in lived_in.rglob("*") if path.is_file()}
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(lived_in))
    yield lived_in
    for path in sorted(lived_in.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    for path, content in before.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def ser(home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
    return subprocess.run(
        [sys.executable, "-m", "ser_live", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**kept, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
    )


def asked(home: Path, answer: str) -> tuple[int, str]:
    """Exit code and output of a purge in a terminal where `answer` is typed."""
    pty = pytest.importorskip("pty")
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "ser_live", "purge"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "HOME": str(home)},
    ) as process:
        os.close(terminal)
        os.write(controller, f"{answer}\n".encode())
        output = b""
        try:
            while part := os.read(controller, 4096):
                output += part
        except OSError:  # the terminal's other end was closed
            pass
        os.close(controller)
    return process.returncode, output.decode()


def files(home: Path) -> set[Path]:
    return {path for path in home.rglob("*") if path.is_file()}


def logs(home: Path) -> list[Path]:
    return sorted(home.rglob("*.jsonl"))


def test_it_says_what_it_removes_and_then_everything_is_gone(home: Path) -> None:
    """Counts, sizes, folders and names are said; logs, audio and profiles are removed."""
    n_recordings = len(list((home / "kept").glob("*.flac")))
    result = ser(home, "purge", "--yes")
    assert result.returncode == 0, result.stderr
    words = " ".join(result.stdout.split())
    folder = re.escape(f"{home}/.local/state/ser-live/sessions")
    assert re.search(rf"1 session log [1-9][\d.]* (B|kB|MB) in {folder}", words), words
    assert f"{n_recordings} recordings" in words
    assert f"in {home}/kept" in words
    assert f"in {home}/.local/share/ser-live/profiles: anna" in words
    assert f"Removed {n_recordings + 3} files." in words
    assert files(home) == set()
    assert not (home / ".local/state/ser-live").exists()
    assert ser(home, "purge", "--yes").stdout == "There is nothing to remove.\n"


def test_without_a_terminal_nothing_happens_unless_told(home: Path) -> None:
    """Where nobody can be asked it says what it would remove, and refuses."""
    before = files(home)
    result = ser(home, "purge")
    assert result.returncode == 2
    assert "1 session log" in result.stdout
    assert "--yes" in result.stderr
    assert files(home) == before


def test_it_asks_and_goes_by_the_answer(home: Path) -> None:
    """No, or just Enter, removes nothing; yes removes everything."""
    before = files(home)
    for answer in ("n", ""):
        code, output = asked(home, answer)
        assert (code, files(home)) == (0, before)
        assert "Nothing was removed." in output
    code, output = asked(home, "y")
    assert "Remove " in output
    assert "[y/N]" in output
    assert (code, files(home)) == (0, set())


@pytest.mark.parametrize(
    ("option", "gone"),
    [("--sessions", {".jsonl", ".flac"}), ("--profiles", {".json", ".npz"})],
)
def test_it_can_be_narrowed_to_one_kind(home: Path, option: str, gone: set[str]) -> None:
    """--sessions takes logs and their audio, --profiles only profiles."""
    before = files(home)
    assert ser(home, "purge", option, "--yes").returncode == 0
    assert {path.suffix for path in before - files(home)} == gone
    assert {path.suffix for path in files(home)} & gone == set()


def test_it_can_be_narrowed_to_what_is_old(home: Path) -> None:
    """--older-than goes by the last change; a profile is as old as its younger file."""
    ten_days_ago = time.time() - 10 * 86_400
    old = [*logs(home), *sorted((home / "kept").iterdir())[:3], *home.rglob("anna.json")]
    for path in old:
        os.utime(path, (ten_days_ago, ten_days_ago))
    before = files(home)
    result = ser(home, "purge", "--older-than", "9.5", "--yes")
    assert result.returncode == 0, result.stderr
    assert before - files(home) == set(old[:-1])


def test_what_others_wrote_stays(home: Path) -> None:
    """Foreign files stay, whatever their names: in the program's folders and among the audio."""
    sessions, profiles = logs(home)[0].parent, next(home.rglob("anna.json")).parent
    soundfile.write(home / "kept" / "song-u00001.flac", np.zeros(100), 44_100)
    foreign = {
        home / "kept" / "song-u00001.flac": None,
        home / "kept" / "notes.txt": "mine",
        sessions / "2026-01-01T000000.jsonl": '{"type":"other"}\n',
        sessions / "diary.jsonl": "",
        profiles / "ben.json": '{"name":"ben"}',
        profiles / "ben.npz": "no archive",
        profiles / "notes.txt": "mine",
    }
    for path, text in foreign.items():
        if text is not None:
            path.write_text(text)
    result = ser(home, "purge", "--yes")
    assert result.returncode == 0, result.stderr
    assert files(home) == set(foreign)
    assert "2026-01-01T000000.jsonl (not written by ser-live)" in result.stdout


def test_links_are_neither_followed_nor_removed(home: Path, tmp_path: Path) -> None:
    """A linked log, profile or recording, and what it leads to, stays; so do linked folders."""
    log, card = logs(home)[0], next(home.rglob("anna.json"))
    recording = min((home / "kept").iterdir())
    moved = {}
    for path in (log, card, recording):
        target = tmp_path / path.name
        path.rename(target)
        path.symlink_to(target)
        moved[path] = target
    # The audio folder is known from a log, which must be a plain one for that.
    (log.parent / "copy.jsonl").write_bytes(moved[log].read_bytes())
    assert ser(home, "purge", "--yes").returncode == 0
    for path, target in moved.items():
        assert path.is_symlink()
        assert target.is_file()
    assert list((home / "kept").iterdir()) == [recording]


@pytest.mark.parametrize("depth", [0, 1])
def test_a_linked_folder_is_not_entered(home: Path, tmp_path: Path, depth: int) -> None:
    """Where the folder of logs, or the one around it, is a link, its content stays."""
    folder = logs(home)[0].parent
    if depth:
        folder = folder.parent
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    result = ser(home, "purge", "--sessions", "--yes")
    assert "not followed" in result.stdout
    assert len(list((tmp_path / "moved").rglob("*.jsonl"))) == 1


@pytest.mark.parametrize("n_before", [0, 1, 2])
def test_audio_of_a_log_that_went_on_elsewhere(home: Path, tmp_path: Path, n_before: int) -> None:
    """A log whose folder vanished names the audio further down, whenever it vanished."""
    kept, stick = tmp_path / "kept", tmp_path / "stick"
    shutil.copytree(home / "kept", kept)
    events = [
        SessionStarted(
            started_at="2026-01-01T00:00:00+00:00",
            version="1",
            model="m",
            model_sha256="h",
            audio_folder=str(kept),
        ),
        StreamStarted(stream=MICROPHONE, sample_rate=16_000, n_channels=1),
        SourceFailed(message="The microphone is gone."),
    ]
    stick.mkdir()
    with SessionLog.create(stick / "log.jsonl") as log:
        for number, event in enumerate(events):
            if number == n_before:
                shutil.rmtree(stick)
            log.write(event)
        assert log.earlier == [stick / "log.jsonl"]
    inventory = take_inventory(sessions=True, profiles=False, modified_before=FOREVER)
    recordings = set(kept.glob("*.flac"))
    assert recordings
    assert recordings | {log.path} <= {file.path for file in inventory.files}


@pytest.mark.parametrize("linked", ["kept", "kept/today"])
def test_an_audio_folder_behind_a_link_is_not_entered(
    home: Path, tmp_path: Path, linked: str
) -> None:
    """Audio behind a link that was no link when the session kept it there stays."""
    (home / "kept").rename(home / "today")
    (home / "kept").mkdir()
    (home / "today").rename(home / "kept" / "today")
    log = logs(home)[0]
    log.write_text(log.read_text().replace(f"{home}/kept", f"{home}/kept/today"))
    n_before = len(list(home.rglob("*.flac")))
    (home / linked).rename(tmp_path / "moved")
    (home / linked).symlink_to(tmp_path / "moved")
    result = ser(home, "purge", "--yes")
    assert "not followed" in result.stdout
    assert len(list((tmp_path / "moved").rglob("*.flac"))) == n_before > 0


def test_a_log_cannot_make_it_remove_other_files(home: Path, tmp_path: Path) -> None:
    """A forged log that names a folder of music costs nobody a song."""
    soundfile.write(tmp_path / "song-u00001.flac", np.zeros(100), 44_100)
    header = '{"type":"log","schema":"ser-live-session","schema_version":1}\n'
    for number, folder in enumerate((str(tmp_path), "../..", "/\\u0000", "")):
        (logs(home)[0].parent / f"forged-{number}.jsonl").write_text(
            f'{header}{{"type":"session_started","audio_folder":"{folder}"}}\n'
        )
    assert ser(home, "purge", "--yes").returncode == 0
    assert (tmp_path / "song-u00001.flac").is_file()


@pytest.mark.skipif(os.name == "nt", reason="Windows itself refuses to remove an open file")
def test_the_log_of_a_running_session_stays(home: Path) -> None:
    """What a session is writing now is said and left alone."""
    with SessionLog.create() as log:
        found = take_inventory(sessions=True, profiles=False, modified_before=FOREVER)
        assert log.path not in {file.path for file in found.files}
        assert (log.path, "a session is writing it") in found.kept
    found = take_inventory(sessions=True, profiles=False, modified_before=FOREVER)
    assert log.path in {file.path for file in found.files}


def test_a_log_that_went_on_in_a_temporary_folder_is_found(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of a log that no other place took is removed with its folder; others' stay."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ours, theirs = tmp_path / "ser-live-abcd1234", tmp_path / "ser-live-notes"
    ours.mkdir()
    theirs.mkdir()
    (ours / "2026-01-01T000000.jsonl").write_bytes(logs(home)[0].read_bytes())
    (theirs / "2026-01-01T000000.jsonl").write_text("mine")
    (tmp_path / "ser-live-link").symlink_to(theirs)
    found = take_inventory(sessions=True, profiles=False, modified_before=FOREVER)
    assert remove(found) == []
    assert not ours.exists()
    assert (theirs / "2026-01-01T000000.jsonl").read_text() == "mine"
    assert (tmp_path / "ser-live-link").is_symlink()


def test_a_file_that_changed_after_the_question_stays(home: Path) -> None:
    """A file replaced between question and answer is not the one that was agreed to."""
    found = take_inventory(sessions=True, profiles=False, modified_before=FOREVER)
    log = logs(home)[0]
    log.write_text("something else")
    assert (log, "changed in the meantime") in remove(found)
    assert log.read_text() == "something else"


def test_what_a_killed_program_left_is_found(home: Path) -> None:
    """An empty log, an enrolment's draft and arrays without their card are ser-live's too."""
    card = next(home.rglob("anna.json"))
    card.rename(card.with_name(".anna.json.4711"))
    (logs(home)[0].parent / "2026-01-01T000000-2.jsonl").touch()
    found = take_inventory(sessions=True, profiles=True, modified_before=FOREVER)
    names = {file.path.name for file in found.files if file.kind is not Kind.AUDIO}
    assert {".anna.json.4711", "anna.npz", "2026-01-01T000000-2.jsonl"} <= names
    assert found.kept == []


def test_a_damaged_profile_can_be_purged(home: Path) -> None:
    """Arrays that no longer fit their card still are somebody's voice, and go."""
    arrays = next(home.rglob("anna.npz"))
    arrays.write_bytes(arrays.read_bytes()[:1000])
    assert ser(home, "purge", "--profiles", "--yes").returncode == 0
    assert not list(home.rglob("anna.*"))
