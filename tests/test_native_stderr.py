"""What native libraries print is kept off the screen and kept."""

from __future__ import annotations

import subprocess
import sys


def run(code: str) -> subprocess.CompletedProcess[str]:
    prelude = """
import os, sys, threading
from ser_live.native_stderr import captured_native_stderr, native_messages
def native(text):
    os.write(2, text.encode() + b"\\n")
"""
    return subprocess.run(
        [sys.executable, "-c", prelude + code], capture_output=True, text=True, timeout=30
    )


def test_captured_and_kept():
    """Native output vanishes inside the context only, and stays readable; Python's is seen."""
    result = run("""
native("before")
with captured_native_stderr():
    native("ALSA lib: hidden")
    print("python's own", file=sys.stderr)
native("after")
print(native_messages())
""")
    assert result.stderr == "before\npython's own\nafter\n"
    assert result.stdout == "['ALSA lib: hidden']\n"


def test_nested_and_overlapping():
    """Contexts that overlap in two threads leave standard error as it was."""
    result = run("""
inner_open, outer_closed = threading.Event(), threading.Event()
def overlap():
    with captured_native_stderr():
        inner_open.set()
        outer_closed.wait(5)
        native("two")
thread = threading.Thread(target=overlap)
with captured_native_stderr():
    with captured_native_stderr():
        native("one")
    thread.start()
    inner_open.wait(5)
outer_closed.set()
thread.join()
native("visible")
print(native_messages(), sys.stderr is sys.__stderr__)
""")
    assert result.stderr == "visible\n"
    assert result.stdout == "['one', 'two'] True\n"


def test_error_restores():
    """An exception inside leaves standard error as it was."""
    result = run("""
try:
    with captured_native_stderr():
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
with captured_native_stderr():
    print("fine")
""")
    assert result.stdout == "fine\n"
