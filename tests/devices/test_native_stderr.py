"""What native libraries print is kept off the screen and, where asked, shown at the end."""

from __future__ import annotations

import subprocess
import sys


def run(code: str) -> subprocess.CompletedProcess[str]:
    prelude = """
import os, sys
from ser_live.process.native_stderr import native_stderr_captured
def native(text):
    os.write(2, text.encode() + b"\\n")
"""
    return subprocess.run(
        [sys.executable, "-c", prelude + code], capture_output=True, text=True, timeout=30
    )


def test_captured_and_dropped():
    """Native output vanishes inside the context only; Python's is seen."""
    result = run("""
native("before")
with native_stderr_captured():
    native("ALSA lib: hidden")
    print("python's own", file=sys.stderr)
native("after")
print(sys.stderr is sys.__stderr__)
""")
    assert result.stderr == "before\npython's own\nafter\n"
    assert result.stdout == "True\n"


def test_shown_at_the_end():
    """Where asked, what was captured is printed when the context is over, escapes taken out."""
    result = run("""
with native_stderr_captured(shows_end=True):
    native("ALSA lib: \\x1b[31mhidden")
    print("python's own", file=sys.stderr)
print("after", file=sys.stderr)
""")
    own, shown, after = result.stderr.splitlines()
    assert (own, after) == ("python's own", "after")
    assert shown.startswith("ALSA lib: ")
    assert shown.endswith("hidden")
    assert "\x1b" not in shown


def test_only_the_end_is_shown():
    """Of many lines the last twenty are shown, and how much there was."""
    result = run("""
with native_stderr_captured(shows_end=True):
    for number in range(30):
        native(f"line {number}")
""")
    first, *lines = result.stderr.splitlines()
    assert first == "(the last 20 lines of 230 bytes of messages:)"
    assert lines == [f"line {number}" for number in range(10, 30)]


def test_nested_and_again():
    """A context within another changes nothing; one after another works as the first."""
    result = run("""
with native_stderr_captured(shows_end=True):
    with native_stderr_captured(shows_end=True):
        native("one")
    native("two")
    print("python's own", file=sys.stderr)
native("visible")
with native_stderr_captured():
    native("three")
native("at last")
print(sys.stderr is sys.__stderr__)
""")
    assert result.stderr == "python's own\none\ntwo\nvisible\nat last\n"
    assert result.stdout == "True\n"


def test_error_restores():
    """An exception inside leaves standard error as it was."""
    result = run("""
try:
    with native_stderr_captured():
        native("hidden")
        raise ValueError
except ValueError:
    native("visible")
""")
    assert result.stderr == "visible\n"


def test_without_descriptor_2():
    """A process without standard error is none the worse for it."""
    result = run("""
os.close(2)
with native_stderr_captured():
    print("fine")
""")
    assert result.stdout == "fine\n"


def test_without_room_for_the_file():
    """Where nothing can be written, libraries are heard rather than the program ended."""
    result = run("""
import tempfile
tempfile.tempdir = "/nowhere"
with native_stderr_captured():
    native("heard")
print("fine")
""")
    assert (result.stdout, result.stderr) == ("fine\n", "heard\n")


def test_the_command_line_shows_it_with_debug(tmp_path):
    """A command that hears keeps native output off the screen; --debug prints it at the end."""
    code = f"""
import ser_live.batch.folders
from ser_live.errors import AudioFileError
from ser_live.cli import main
def find_audio_files(paths):
    native("mpg123: noise")
    raise AudioFileError("no file")
ser_live.batch.folders.find_audio_files = find_audio_files
sys.argv = ["ser-live", *sys.argv[1:], "features", {str(tmp_path)!r}]
main()
"""
    assert run(code).stderr == "ser-live: no file\n"
    shown = run(code.replace("*sys.argv[1:]", "'--debug'")).stderr
    assert "mpg123: noise" in shown
    assert "Traceback" in shown
