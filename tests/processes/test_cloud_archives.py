"""Archives by address through the program, against a real endpoint of S3 on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from batch_trial import command, folder_of, undisturbed
from cloud import BUCKET, s3_server

fsspec = pytest.importorskip("fsspec", reason="addresses need the extra cloud")
pytest.importorskip("pyarrow", reason="archives need the extra parquet")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[dict[str, str]]:
    """The environment in which the server is found, with a bucket."""
    with s3_server() as environment, pytest.MonkeyPatch.context() as patched:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patched.delenv(name)
        for name, value in environment.items():
            patched.setenv(name, value)
        fsspec.filesystem("s3", skip_instance_cache=True).mkdir(BUCKET)
        yield environment


@pytest.fixture
def bucket(endpoint: dict[str, str]) -> Any:
    return fsspec.filesystem("s3", use_listings_cache=False)


@pytest.fixture(scope="module")
def calls(short_talk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(short_talk, tmp_path_factory.mktemp("cloud") / "calls", 3)


def test_results_by_address_are_those_of_a_disk(calls: Path, tmp_path: Path, bucket: Any) -> None:
    assert undisturbed(command(calls, "--out", tmp_path / "rows.parquet")).code == 0
    ended = undisturbed(command(calls, "--out", f"s3://{BUCKET}/near/rows.parquet"))
    assert ended.code == 0, ended.stderr
    for name in ("rows.parquet", "rows.files.parquet"):
        assert bucket.cat(f"{BUCKET}/near/{name}") == (tmp_path / name).read_bytes()
    assert len(bucket.find(f"{BUCKET}/near")) == 2


def test_recordings_by_address_go_on_after_a_kill(calls: Path, bucket: Any) -> None:
    bucket.put(str(calls), f"{BUCKET}/in", recursive=True)
    source, target = f"s3://{BUCKET}/in", f"s3://{BUCKET}/parts"
    arguments = [argument.replace(str(calls), source) for argument in command(calls)]
    whole = undisturbed([*arguments, "--out", f"s3://{BUCKET}/whole.parquet"])
    assert whole.code == 0, whole.stderr
    with subprocess.Popen([*arguments, "--out", target], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not bucket.exists(f"{BUCKET}/parts/archive.json"):
            time.sleep(0.05)
        time.sleep(0.3)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
    assert undisturbed([*arguments, "--out", target]).code == 0
    merged = f"s3://{BUCKET}/merged.parquet"
    ended = undisturbed([sys.executable, "-m", "ser_live", "merge", target, "-o", merged])
    assert ended.code == 0, ended.stderr
    for name in ("{}.parquet", "{}.files.parquet"):
        one, other = (bucket.cat(f"{BUCKET}/{name.format(n)}") for n in ("whole", "merged"))
        assert one == other
    assert b"s3://calls/in/00" in bucket.cat(f"{BUCKET}/whole.files.parquet")


@pytest.mark.parametrize(
    ("changed", "options", "said"),
    [
        ({}, ("--out", "s3://nowhere/rows"), "there is no such bucket"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, ("--out", f"s3://{BUCKET}/x"), "no credentials were found"),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            ("--out", f"s3://{BUCKET}/x.parquet"),
            "its server cannot be reached",
        ),
    ],
)
def test_what_is_wrong_with_an_address_is_one_sentence(
    calls: Path,
    endpoint: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, str],
    options: tuple[str, ...],
    said: str,
) -> None:
    for name, value in changed.items():
        if value:
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.delenv(name)
            monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    ended = undisturbed(command(calls, *options))
    assert ended.code == 2
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_without_an_address_nothing_of_it_is_imported(calls: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom ser_live.cli import main\n"
        "try:\n    main()\n"
        "finally:\n"
        "    names = {'fsspec', 's3fs', 'aiohttp', 'distributed', 'dask'} & set(sys.modules)\n"
        "    print(sorted(names), file=sys.stderr)\n"
    )
    out = ("--out", str(tmp_path / "rows.csv"))
    arguments = [sys.executable, "-c", code, *command(calls, *out)[3:]]
    ended = undisturbed(arguments)
    assert ended.code == 0
    assert ended.stderr.splitlines()[-1] == "[]"
