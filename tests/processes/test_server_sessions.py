"""Logged sessions over HTTP, and reports of records that were never logged."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from served import Served, require_extra, serving, talk

require_extra()

HIDDEN = "never to be read"


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, short_talk: Path
) -> Iterator[tuple[Served, Path]]:
    """A server in a home of its own, with two sessions and what does not belong to them."""
    home = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    for name in ("HOME", "XDG_STATE_HOME", "LOCALAPPDATA"):
        patch.setenv(name, str(home))
    try:
        subprocess.run(
            [sys.executable, "-m", "ser_live", "replay", "--speed", "0", str(short_talk)],
            check=True,
            capture_output=True,
        )
        (log,) = home.rglob("*.jsonl")
        folder = log.parent
        earlier = re.sub(r'"started_at":"20\d\d', '"started_at":"2001', log.read_text(), count=1)
        (folder / "2001-01-01T000000.jsonl").write_text(earlier)
        (folder / "secret.txt").write_text(HIDDEN)
        (folder.parent / "outside.jsonl").write_text(HIDDEN)
        with serving(home) as found:
            yield found, folder
    finally:
        patch.undo()


def answered(served: Served, path: str, body: bytes | None = None) -> tuple[int, Any, bytes]:
    request = urllib.request.Request(  # noqa: S310  of this machine
        served.base + path, data=body, headers=served.headers
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def test_logged_sessions_are_listed_newest_first(served: tuple[Served, Path]) -> None:
    """By the names of their logs, with counts and without paths; a limit shortens the list."""
    here, folder = served
    _, _, body = answered(here, "/v1/sessions")
    found = json.loads(body)
    assert found["n_logged"] == 2
    names = [row["id"] for row in found["logged"]]
    assert names == sorted((path.stem for path in folder.glob("*.jsonl")), reverse=True)
    assert {row["n_utterances"] for row in found["logged"]} == {2}
    assert str(folder).encode() not in body
    shorter = json.loads(answered(here, "/v1/sessions?limit=1")[2])
    assert [row["id"] for row in shorter["logged"]] == names[:1]
    assert shorter["n_logged"] == 2
    row = json.loads(answered(here, f"/v1/sessions/{names[1]}")[2])
    assert row == found["logged"][1]


def test_log_and_report_of_a_session_are_given(served: tuple[Served, Path]) -> None:
    """The log as it lies there; the report under the policy that its own style and script need."""
    here, folder = served
    (name, _) = sorted(path.stem for path in folder.glob("*.jsonl"))
    status, headers, log = answered(here, f"/v1/sessions/{name}/log")
    assert (status, headers.get_content_type()) == (200, "application/x-ndjson")
    assert log == (folder / f"{name}.jsonl").read_bytes()
    status, headers, page = answered(here, f"/v1/sessions/{name}/report")
    assert (status, headers.get_content_type()) == (200, "text/html")
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert b"neutral" in page
    german = answered(here, f"/v1/sessions/{name}/report?language=de")[2]
    assert b'lang="de"' in german


@pytest.mark.parametrize("rest", ["", "/log", "/report"])
@pytest.mark.parametrize(
    "name",
    [
        *("..", "%2e%2e", "..%2foutside", "../outside", "%2fetc%2fpasswd", "//etc/passwd"),
        *("secret", "secret.txt", "outside", "1", "latest", "x%00", "%ff", "..\\outside", "*"),
    ],
)
def test_a_name_leads_nowhere_but_to_a_log_of_the_list(
    name: str, rest: str, served: tuple[Served, Path]
) -> None:
    """Whatever stands in its place is not found; nothing of any other file is told."""
    status, _, body = answered(served[0], f"/v1/sessions/{name}{rest}")
    assert (status, json.loads(body)["code"]) == (404, "not_found")
    assert HIDDEN.encode() not in body


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/v1/sessions?limit=-1", "limit"),
        ("/v1/sessions?limit=x", "limit"),
        ("/v1/sessions?limit=99999999999999999999", "limit"),
        ("/v1/report?language=xx", "language"),
    ],
)
def test_options_that_do_not_fit_are_named(
    path: str, param: str, served: tuple[Served, Path]
) -> None:
    """A sentence and the option's name."""
    status, _, body = answered(served[0], path, b"{}" if "report" in path else None)
    assert (status, json.loads(body)["param"]) == (400, param)


def test_records_become_a_report_that_is_written_nowhere(
    served: tuple[Served, Path], short_talk: Path
) -> None:
    """What a client was told is a page for a while, and no file is made of it."""
    here, folder = served
    before = {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")}
    samples, rate = soundfile.read(short_talk, dtype="int16")
    note = {"type": "note", "text": "<b>loud</b>", "rating": 4}
    with here.stream() as connection:
        told = talk(connection, {"sample_rate": rate}, [samples.tobytes(), note])
    body = "\n".join(map(json.dumps, told)).encode()
    status, headers, answer = answered(here, "/v1/report", body)
    place = json.loads(answer)["report"]
    assert (status, headers["location"]) == (201, place)
    status, headers, page = answered(here, place)
    assert status == 200
    assert b"&lt;b&gt;loud&lt;/b&gt;" in page
    assert b"<b>loud" not in page
    assert "sha256" in headers["content-security-policy"]
    assert answered(here, f"{place}x")[0] == 404
    for _ in range(4):
        answered(here, "/v1/report", body)
    assert answered(here, place)[0] == 404  # only the latest few wait
    assert {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")} == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[1]",
        b'{"type":"emotion"}',
        b'{"type":"session_started"}',
        b'{"type":"log_continued","path":"/etc/passwd","why":"x"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_session_makes_no_report(body: bytes, served: tuple[Served, Path]) -> None:
    """One sentence; a record that names a file leads to none."""
    status, _, answer = answered(served[0], "/v1/report", body)
    assert status in (400, 422)
    assert json.loads(answer)["detail"].endswith(".")


def test_without_a_token_no_logged_session_is_given(
    served: tuple[Served, Path], tmp_path: Path
) -> None:
    """The logs are their owner's alone, and who asks is not known then."""
    name = next(served[1].glob("*.jsonl")).stem
    command = [sys.executable, "-m", "ser_live", "serve", "--port", "0", "--no-token"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    with process, process.stderr:
        port = ""
        while "tell the people" not in (line := process.stderr.readline()):
            port = line.rpartition(":")[2].strip(" /\n") if "serving at" in line else port
        here = Served(int(port), "", process, [])
        assert json.loads(answered(here, "/v1/sessions")[2])["logged"] == []
        assert answered(here, f"/v1/sessions/{name}/log")[0] == 404
        process.terminate()
