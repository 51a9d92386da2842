"""``ser-live calls``, and roles on ``replay`` and ``analyze``, as a user runs them."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_calls import AGENT, CUSTOMER, RATE, MadeCall, alternating, made_call

ROLES = "left=agent:activity,right=customer"
QUICK = ("--model", "classic")


def ser_live(
    *words: object, folder: Path, data: bytes | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program with a home of its own."""
    home = {"HOME": str(folder), "XDG_STATE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    ended = subprocess.run(
        [sys.executable, "-m", "ser_live", *map(str, words)],
        capture_output=True,
        input=data,
        env={**os.environ, **home, "PYTHONUTF8": "1"},
        timeout=120,
        check=False,
        cwd=folder,
    )
    return subprocess.CompletedProcess(
        ended.args, ended.returncode, ended.stdout.decode(), ended.stderr.decode()
    )


@pytest.fixture(scope="module")
def made() -> MadeCall:
    """Three turns, a leak between them."""
    return made_call(alternating(3), leak_db=-25.0)


@pytest.fixture
def call(tmp_path: Path, made: MadeCall) -> Path:
    """The same as a file."""
    path = tmp_path / "call.wav"
    soundfile.write(path, made.samples, RATE, subtype="PCM_16")
    return path


def without_wall_times(log: Path) -> list[dict[str, object]]:
    """Records of a log but for the time of day and how long the machine took."""
    records = [json.loads(line) for line in log.read_text().splitlines()]
    wall = ("started_at", "latency_ms", "latency_ms_p50", "latency_ms_p95")
    return [{k: v for k, v in record.items() if k not in wall} for record in records]


def test_a_skipped_channel_leaves_no_trace_in_log_or_output(tmp_path: Path, made: MadeCall) -> None:
    """Poisoned with NaN and clicks or silent: the same log, standard output and error."""
    runs = []
    rng = np.random.default_rng(0)
    poison = np.where(rng.random(len(made.samples)) < 0.5, np.nan, 1e6).astype(np.float32)
    for voice in (np.zeros_like(poison), poison):
        samples = made.samples.copy()
        samples[:, AGENT] = voice
        soundfile.write(tmp_path / "call.wav", samples, RATE, subtype="FLOAT")
        log = tmp_path / "log.jsonl"
        run = ser_live(
            *("replay", "call.wav", "--speed", 0, "--log", log, "-f", "lines", *QUICK),
            *("--roles", "left=agent:skip,right=customer"),
            folder=tmp_path,
        )
        assert run.returncode == 0, run.stderr
        told = [line for line in run.stderr.splitlines() if not line.startswith("latency")]
        runs.append((without_wall_times(log), run.stdout, told))
        log.unlink()
    assert runs[0] == runs[1]
    records = runs[0][0]
    assert {r.get("role") for r in records if r["type"] == "emotion"} == {"customer"}
    assert any(r["type"] == "emotion" for r in records)


def test_the_log_says_roles_levels_and_a_claimed_ground(tmp_path: Path, call: Path) -> None:
    """Of an active channel it holds stretches of speech, and nothing else."""
    log = tmp_path / "log.jsonl"
    run = ser_live(
        *("replay", call, "--speed", 0, "--log", log, "-f", "lines", *QUICK, "--roles", ROLES),
        folder=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    records = without_wall_times(log)
    begun = [r for r in records if r["type"] == "stream_started"]
    assert [(r["role"], r["level"], r["channel"]) for r in begun] == [
        ("agent", "activity", 0),
        ("customer", "analyze", 1),
    ]
    session = records[1]
    assert session["roles"] == "1=agent:activity,2=customer:analyze"
    assert session["legal_ground"] is False
    of_agent = {r["type"] for r in records if r.get("role") == "agent"}
    assert of_agent == {"stream_started", "activity", "stream_ended"}
    assert "speaks" in run.stdout
    refused = ser_live("replay", call, "--no-log", "--roles", "left=agent", folder=tmp_path)
    assert refused.returncode == 2
    assert "agent:activity" in refused.stderr
    log.unlink()
    claimed = ser_live(
        *("replay", call, "--speed", 0, "--log", log, *QUICK, "--roles", "left=agent,right=b:skip"),
        "--i-have-a-legal-ground",
        folder=tmp_path,
    )
    assert claimed.returncode == 0, claimed.stderr
    assert without_wall_times(log)[1]["legal_ground"] is True


def test_a_call_is_told_as_page_json_csv_and_aws(tmp_path: Path, call: Path) -> None:
    """The same numbers in each; the page fits 80 columns."""
    forms = {
        form: ser_live("calls", call, "--roles", ROLES, "-f", form, *QUICK, folder=tmp_path)
        for form in ("text", "json", "csv", "aws")
    }
    assert all(run.returncode == 0 for run in forms.values()), forms["json"].stderr
    page = forms["text"].stdout
    assert max(map(len, page.splitlines())) <= 80
    assert "agent leaks into the channel of customer" in page
    record = json.loads(forms["json"].stdout)
    agent, customer = record["sides"]
    assert "utterances" not in agent
    assert customer["utterances"]
    rows = list(csv.DictReader(io.StringIO(forms["csv"].stdout)))
    assert [row["role"] for row in rows] == ["agent", "customer"]
    assert float(rows[1]["talk_s"]) == customer["talk_s"]
    assert rows[0]["valence"] == ""
    aws = json.loads(forms["aws"].stdout)["ConversationCharacteristics"]
    talk = aws["TalkTime"]["DetailsByParticipant"]
    assert talk["CUSTOMER"]["TotalTimeMillis"] == round(customer["talk_s"] * 1000)
    assert list(aws["Valence"]["OverallValence"]) == ["CUSTOMER"]
    assert "Sentiment" not in aws


def test_live_stereo_has_roles_too_and_a_poisoned_side_is_not_looked_at(
    tmp_path: Path, made: MadeCall
) -> None:
    """A recording in a pipe whose skipped channel is not finite; plain PCM of two channels."""
    samples = made.samples.copy()
    samples[:, AGENT] = np.nan
    wav = tmp_path / "call.wav"
    soundfile.write(wav, samples, RATE, subtype="FLOAT")
    plain = (made.samples * 32767).astype("<i2").tobytes()
    found = []
    for data in (wav.read_bytes(), plain):
        run = ser_live(
            *("listen", "-", "--no-log", "-f", "jsonl", "--finals", *QUICK),
            *("--roles", "left=agent:skip,right=customer"),
            folder=tmp_path,
            data=data,
        )
        assert run.returncode == 0, run.stderr
        found.append([json.loads(line) for line in run.stdout.splitlines()])
    for records in found:
        assert records
        assert {(r["role"], r["channel"]) for r in records} == {("customer", 1)}


def test_many_calls_go_on_past_bad_ones_and_a_list_ends_them(
    tmp_path: Path, call: Path, made: MadeCall
) -> None:
    """Exit code 1, a sentence for each that was not heard, patterns of names, side by side."""
    folder = tmp_path / "calls"
    folder.mkdir()
    soundfile.write(folder / "in-1.wav", made.samples, RATE)
    soundfile.write(folder / "out-1.wav", made.samples[:, ::-1], RATE)
    soundfile.write(folder / "mono.wav", made.samples[:, CUSTOMER], RATE)
    (folder / "bad.wav").write_bytes(b"RIFF nothing")
    words = ("calls", folder, "--roles", ROLES, "--roles-pattern", "out-*")
    swapped = "left=customer,right=agent:activity"
    run = ser_live(*words, swapped, "-f", "json", "-j", 2, *QUICK, folder=tmp_path)
    assert run.returncode == 1
    assert "2 of 4 files could not be analyzed" in run.stderr
    assert "cannot be told apart" in run.stderr
    first, second = (json.loads(line) for line in run.stdout.splitlines())
    by_role = [{side["role"]: side["spans"] for side in r["sides"]} for r in (first, second)]
    assert by_role[0] == by_role[1]
    assert [side["channel"] for side in second["sides"]] == [0, 1]
    assert [side["role"] for side in second["sides"]] == ["customer", "agent"]


def test_analyze_takes_roles_too(tmp_path: Path, call: Path) -> None:
    """Rows of the analyzed side alone, with its role."""
    run = ser_live("analyze", call, "--roles", ROLES, "-f", "csv", *QUICK, folder=tmp_path)
    assert run.returncode == 0, run.stderr
    rows = list(csv.DictReader(io.StringIO(run.stdout)))
    assert {(row["role"], row["channel"]) for row in rows} == {("customer", "1")}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("calls", "call.wav"), "add --roles left=agent:activity,right=customer"),
        (("calls", "call.wav", "--roles", "left=agent"), "agent:activity"),
        (("calls", "call.wav", "--roles", "3=customer"), "only 2 channels"),
        (("calls", "call.wav", "--roles", "1=c", "--speakers", "no.rttm"), "name an RTTM file"),
        (("replay", "call.wav", "--roles", "1=c", "--channel", "1"), "both --roles and --channel"),
        (("analyze", "call.wav", "--i-have-a-legal-ground"), "without --roles"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    words: tuple[str, ...], said: str, tmp_path: Path, call: Path
) -> None:
    """No traceback, no result, an exit code."""
    run = ser_live(*words, folder=tmp_path)
    assert run.returncode != 0
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""
