"""Build everything that is released into dist/: wheel, source archive, bill of materials.

Everything is built twice, in two fresh copies of the tree that differ in place, file dates
and permissions, by processes that differ in time zone, language and hash seed. The two must
be equal to the last byte, so that anybody can build the same and compare.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ser_live import __version__

ROOT = Path(__file__).parents[1]

SURROUNDINGS = (
    {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "2", "TZ": "Asia/Kolkata", "LC_ALL": "C"},
)
UMASKS = (0o022, 0o077)


def tracked_files() -> list[str]:
    """Files that git knows of, as they are in the working tree."""
    output = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    names = output.stdout.decode().split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def committed_at_s() -> int:
    """Time of the last commit, in seconds since the epoch: the date of everything built."""
    output = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True
    )
    return int(output.stdout)


def build(files: list[str], folder: Path, number: int, built_at_s: int) -> dict[str, bytes]:
    """Copy the tree into `folder` and build there: content of each file by its name."""
    previous = os.umask(UMASKS[number])
    try:
        # The other way round the second time: nothing may depend on the order on the disk.
        for name in files[:: 1 if number == 0 else -1]:
            copy = folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((ROOT / name).read_bytes())
            os.utime(copy, (10**9 * (number + 1), 10**9 * (number + 1)))
        environment = {
            **os.environ,
            **SURROUNDINGS[number],
            "SOURCE_DATE_EPOCH": str(built_at_s),
            "PYTHONPATH": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        for command in (
            ["-m", "build", "--no-isolation", "--outdir", "built"],
            ["scripts/make_sbom.py", str(built_at_s), f"built/ser_live-{__version__}.cdx.json"],
        ):
            subprocess.run(
                [sys.executable, *command],
                cwd=folder,
                check=True,
                stdout=subprocess.DEVNULL,
                env=environment,
            )
    finally:
        os.umask(previous)
    return {path.name: path.read_bytes() for path in sorted((folder / "built").iterdir())}


def differing(one: dict[str, bytes], two: dict[str, bytes]) -> list[str]:
    """Names of files that are in one build only, or not the same in both."""
    return sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))


def main() -> None:
    """Build twice, compare, and keep it."""
    files, built_at_s = tracked_files(), committed_at_s()
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        one = build(files, Path(first), 0, built_at_s)
        two = build(files, Path(second) / "elsewhere", 1, built_at_s)
    if names := differing(one, two):
        sys.exit(f"release: two builds differ in {', '.join(names)}.")
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir()
    for name, content in one.items():
        (dist / name).write_bytes(content)
        print(f"{hashlib.sha256(content).hexdigest()}  dist/{name}")
    print(f"release: {len(one)} files, built twice, equal to the last byte.")


if __name__ == "__main__":
    main()
