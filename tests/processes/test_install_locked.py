"""Progress of `make setup`, from what pip prints."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT, SCRIPTS

sys.path.insert(0, str(SCRIPTS))

from install_locked import Progress, install, n_locked
from locked import read_lock


def test_packages_are_counted_as_pip_names_them() -> None:
    """Those for other systems are not waited for; the name is the one being fetched."""
    progress = Progress(4)
    assert progress.sentence(1) == "looking at what is there"
    for line in (
        "Ignoring tomli: markers 'python_full_version < \"3.11\"' don't match your environment",
        "Collecting numpy==2.4.6 (from -r requirements.lock (line 7))",
        "  Downloading numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl (16.6 MB)",
        "Requirement already satisfied: click==8.3.0 in ./lib (from -r requirements.lock)",
    ):
        progress.take(line)
    assert progress.sentence(1) == "fetching 2 of 3: click"
    progress.take("Installing collected packages: numpy")
    assert progress.sentence(2) == "unpacking 2 of 3"


def test_the_lock_is_counted() -> None:
    """Every pin once, no hash and no remark."""
    assert n_locked(ROOT / "requirements.lock") == len(read_lock())


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for pip is a shell script")
def test_a_failure_is_shown_and_given_on(tmp_path: Path) -> None:
    """A stand-in for pip fails; what it printed is seen, and its exit code returned."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\necho 'Collecting numpy==1'\necho 'no such hash' >&2\nexit 3\n")
    python.chmod(0o755)
    lock = tmp_path / "requirements.lock"
    lock.write_text("numpy==1 \\\n    --hash=sha256:0\n")
    out = io.StringIO()
    assert install(tmp_path, lock, out) == 3
    assert "no such hash" in out.getvalue()
    assert "Installing up to 1 packages" in out.getvalue()


def test_it_runs_with_the_standard_library_alone() -> None:
    """Nothing is installed yet when it is started."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import install_locked"
    subprocess.run([sys.executable, "-I", "-S", "-c", code, str(SCRIPTS)], check=True)
