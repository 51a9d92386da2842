"""A plain installation has what listening needs; training says what it needs besides."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from places import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOR_TRAINING = ("joblib", "librosa", "sklearn", "numba", "llvmlite")

OPTIONAL = {"setuptools", "charset-normalizer"}
"""Imported where they are there: by a hook of every environment, and by numpy.f2py."""

BLOCKED = f"""
import sys
for name in {FOR_TRAINING!r}:
    sys.modules[name] = None  # importing it raises ImportError
"""

LISTENING = """
import json, sys
from ser_live.cli import main
sys.argv = ["ser-live", *sys.argv[1:]]
try:
    main()
finally:
    found = {name.partition(".")[0] for name, module in sys.modules.items() if module}
    print(json.dumps(sorted(found)), file=sys.stderr)
"""


def blocked(*arguments: object, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BLOCKED + code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def plain_packages() -> set[str]:
    """Packages that `pip install ser-live` brings, without any extra."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    waiting = list(tomllib.loads(text)["project"]["dependencies"])
    names: set[str] = set()
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        if name in names or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        names.add(name)
        try:
            waiting += requires(name) or []
        except PackageNotFoundError:  # only for systems other than this one
            continue
    return names


def test_a_plain_installation_carries_no_compiler_and_no_training() -> None:
    """Neither asked for nor brought by what is asked for."""
    assert not plain_packages() & {"numba", "llvmlite", "librosa", "scikit-learn", "joblib"}
    assert {"numpy", "onnxruntime", "rich", "sounddevice"} <= plain_packages()


def test_a_session_imports_only_what_a_plain_installation_brings() -> None:
    """A demo on the whole live path, with the libraries for training out of reach."""
    result = blocked(
        "demo", "--speed", 0, "--no-log", "--format", "jsonl", "--finals", code=LISTENING
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 8
    modules = json.loads(result.stderr.splitlines()[-1])
    packages = packages_distributions()
    imported = {canonicalize_name(name) for m in modules for name in packages.get(m, ())}
    foreign = imported - {"ser-live", *OPTIONAL}
    assert "onnxruntime" in foreign
    assert foreign <= plain_packages()
    assert "scipy" not in foreign, "SciPy is for intervals in reports; it takes long to load"


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_training_says_what_to_install(command: str) -> None:
    """One sentence with the exact command, before anything is read; exit code 69."""
    out = ("--out", "model") if command == "train" else ()
    code = "from ser_live.cli import main\nmain()"
    result = blocked(command, "--data", "no-such-folder", *out, code=code)
    assert result.returncode == 69
    assert result.stderr == (
        "ser-live: joblib, librosa and scikit-learn are not installed, but training and "
        'evaluation need the extra train: run `pip install "ser-live[train]"`.\n'
    )
