"""Private files and folders, under every umask and as real sessions make them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import ser_live
from ser_live.records.private_files import create_private_file, is_in_use, make_private_folder

DEMO = Path(ser_live.__file__).parent / "demo.ogg"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX systems")

SESSION = """
import os, sys
os.umask(int(sys.argv.pop(1), 8))
from ser_live.cli import main
main()
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_the_umask_changes_nothing(tmp_path: Path, umask: int) -> None:
    """Folders are 0700 and files 0600, also folders made on the way."""
    previous = os.umask(umask)
    try:
        make_private_folder(tmp_path / "a" / "b")
        os.close(create_private_file(tmp_path / "a" / "b" / "file"))
    finally:
        os.umask(previous)
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700
    assert mode(tmp_path / "a" / "b" / "file") == 0o600


def test_what_exists_is_left_as_it_is(tmp_path: Path) -> None:
    """A folder that is there keeps its permissions; a file that is there is refused."""
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path)
    assert mode(tmp_path) == 0o755
    (tmp_path / "file").write_text("precious")
    with pytest.raises(FileExistsError):
        create_private_file(tmp_path / "file")
    with pytest.raises(FileExistsError):
        make_private_folder(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "precious"


def test_a_link_is_never_written_through(tmp_path: Path) -> None:
    """A link in place of the new file, even one that leads nowhere, is refused."""
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        create_private_file(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_is_in_use_until_it_is_closed(tmp_path: Path) -> None:
    """Another reader of an open file learns that somebody writes it."""
    path = tmp_path / "file"
    descriptor = create_private_file(path)
    assert is_in_use(path)
    os.close(descriptor)
    assert not is_in_use(path)
    assert not is_in_use(tmp_path / "missing")


def test_everything_a_session_writes_is_its_owners_alone(short_talk: Path, tmp_path: Path) -> None:
    """Log, audio and profile are 0600 in folders of 0700, although the umask forbids nothing."""
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    for variable in ("XDG_STATE_HOME", "XDG_DATA_HOME"):
        environment.pop(variable, None)
    for arguments in (
        ("replay", short_talk, "--speed", "0", "--save-audio", tmp_path / "kept" / "today"),
        ("enroll", "anna", "--file", DEMO),
    ):
        subprocess.run(
            [sys.executable, "-c", SESSION, "000", *map(str, arguments)],
            check=True,
            capture_output=True,
            env=environment,
            timeout=120,
        )
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in written} == {".jsonl", ".flac", ".json", ".npz"}
    assert {mode(path) for path in written} == {0o600}
    assert {mode(path) for path in tmp_path.rglob("*") if path.is_dir()} == {0o700}
