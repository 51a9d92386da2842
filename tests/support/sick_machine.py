"""Sick machines, made of this one: Python that spoils something before ser-live starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from debian_packages import require_portaudio

NO_PORTAUDIO = "import ctypes.util\nctypes.util.find_library = lambda name: None"
NO_ONNXRUNTIME = "sys.modules['onnxruntime'] = None"


def without(module: str) -> str:
    """A machine on which `module` cannot be imported."""
    return f"""
class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {module!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Refusing())
"""


def failing_portaudio(function: str) -> str:
    """A machine whose PortAudio answers every call of `function` with an error of its host.

    All else is the real library under the real sounddevice.
    """
    require_portaudio()
    return f"""
import _sounddevice

class Failing:
    def __init__(self, real):
        self._real = real

    def __getattr__(self, name):
        return (lambda *_: -9999) if name == {function!r} else getattr(self._real, name)

class Ffi:
    def __init__(self, real):
        self._real = real

    def dlopen(self, *arguments):
        return Failing(self._real.dlopen(*arguments))

    def __getattr__(self, name):
        return getattr(self._real, name)

_sounddevice.ffi = Ffi(_sounddevice.ffi)
"""


def run(
    *arguments: object, prelude: str = "", folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """``ser-live`` as a process that was spoilt by `prelude`; started in `folder`."""
    code = f"import sys\n{prelude}\nfrom ser_live.cli import main\nmain()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=folder,
        env={**os.environ, **environment},
    )
