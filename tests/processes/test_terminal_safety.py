"""Names and texts from outside are shown, and command nothing, wherever they are shown.

The program runs as users run it, on a terminal: into a pipe, click would take escapes out
of what it prints, and a fault would stay unseen.
"""

from __future__ import annotations

import ast
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import soundfile
from hostile_log import hostile_log
from terminal_run import HOSTILE, assert_harmless, on_terminal

import ser_live
from ser_live.process.native_stderr import _print_end
from ser_live.records.json_line import json_line
from ser_live.speaker.profile import ProfileCard, SpeakerProfile, save_profile

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX systems")

PACKAGE = Path(ser_live.__file__).parent
DEMO = PACKAGE / "demo.ogg"
PLAIN = "[red]x[blink]y[link=z]"
"""What must still be readable of the hostile text: its markup, taken for text."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good and a bad recording with hostile names in a folder with one, and a log."""
    folder = tmp_path_factory.mktemp("hostile") / HOSTILE
    folder.mkdir()
    samples, rate = soundfile.read(DEMO, dtype="float32", frames=3 * 22_050)
    soundfile.write(folder / f"good{HOSTILE}.wav", samples, rate)
    (folder / f"bad{HOSTILE}.wav").write_bytes(b"no audio")
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay", "bad", "--no-log"),
        ("replay", "good", "--no-log", "--speed", 0, "--format", "lines"),
        ("replay", "good", "--no-log", "--speed", 0, "--format", "jsonl"),
        ("replay", "good", "--no-log", "--speed", 0, "--format", "csv"),
        ("replay", "good", "--speed", 0, "--log", "session"),
        ("replay", "missing", "--no-log"),
        ("replay", "good", "--log", "good"),
        ("replay", "good", "--log", "missing/log"),
        ("replay", "good", "--no-log", "--save-audio", "bad"),
        ("analyze", "."),
        ("analyze", ".", "--format", "csv"),
        ("analyze", ".", "--format", "jsonl", "--unit", "file"),
        ("features", "."),
        ("log", "show", "bad"),
        ("log", "export", "missing"),
    ],
    ids=lambda a: " ".join(map(str, a)),
)
def test_file_names_are_only_shown(arguments: tuple[Any, ...], folder: Path) -> None:
    """Recordings, folders and logs with hostile names, good and bad, in every form of output."""
    command, *rest = arguments
    shown = on_terminal(command, *(_named(folder, word) for word in rest), HOME=str(folder.parent))
    assert_harmless(shown, is_csv="csv" in arguments or command == "features")
    assert PLAIN in shown.text.replace("\n", "").replace(" ", "")


def _named(folder: Path, word: Any) -> Any:
    """The hostile path that a word of the tests above stands for."""
    if word in ("good", "bad", "missing", "session"):
        return folder / f"{word}{HOSTILE}.wav"
    return {".": folder, "missing/log": folder / f"missing{HOSTILE}" / "log"}.get(word, word)


def test_a_traceback_only_shows_names(folder: Path) -> None:
    """With --debug too, where Python itself would print the name as it is."""
    shown = on_terminal("--debug", "log", "show", _named(folder, "missing"))
    assert "Traceback" in shown.text
    assert b"\x1b" not in shown.data
    assert PLAIN in shown.text


@pytest.mark.parametrize(
    "arguments",
    [
        (HOSTILE,),
        ("listen", f"--{HOSTILE}"),
        ("replay", DEMO, "--format", HOSTILE),
        ("replay", DEMO, "--speed", HOSTILE),
        ("replay", DEMO, "--vad-confirm", HOSTILE),
        ("replay", DEMO, "--no-log", "--model", HOSTILE),
        ("replay", DEMO, "--no-log", "--speaker", HOSTILE),
        ("enroll", HOSTILE),
        ("enroll", "--remove", HOSTILE),
        ("train", "--data", HOSTILE, "--out", HOSTILE),
        ("train", "--data", HOSTILE, "--model", HOSTILE, "--out", "m"),
        ("evaluate", "--data", HOSTILE),
        ("analyze", HOSTILE),
        ("log", HOSTILE),
    ],
    ids=lambda a: " ".join(repr(str(x))[:12] for x in a[:3]),
)
def test_words_on_the_command_line_are_only_shown(
    arguments: tuple[Any, ...], tmp_path: Path
) -> None:
    """A word that is refused comes back readable; scripts pass on words from elsewhere."""
    shown = on_terminal(*arguments, cwd=tmp_path, HOME=str(tmp_path))
    assert_harmless(shown)
    assert shown.returncode != 0
    assert "[red]x" in shown.text.replace("\n", "")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("replay", "LONG", "--no-log"), 3),
        (("analyze", "LONG"), 1),
        (("log", "show", "LONG"), 6),
        (("log", "export", "LONG"), 6),
        (("train", "--data", "LONG", "--out", "m"), 7),
        (("evaluate", "--data", "LONG"), 7),
        (("replay", DEMO, "--log", "LONG"), 6),
        (("replay", DEMO, "--no-log", "--save-audio", "LONG"), 6),
        (("replay", DEMO, "--no-log", "--model", "LONG"), 5),
        (("replay", DEMO, "--no-log", "--speaker", "LONG"), 8),
        (("enroll", "anna", "--file", "LONG"), 3),
    ],
    ids=lambda a: " ".join(map(str, a[:2])) if isinstance(a, tuple) else str(a),
)
def test_a_name_longer_than_any_file_has_is_refused(
    arguments: tuple[Any, ...], code: int, tmp_path: Path
) -> None:
    """Five thousand letters are no file, and no defect of the program."""
    shown = on_terminal(
        *("a" * 5000 if a == "LONG" else a for a in arguments), cwd=tmp_path, HOME=str(tmp_path)
    )
    assert shown.returncode == code, shown.text[-300:]
    assert "defect" not in shown.text
    assert_harmless(shown)


def test_the_dashboard_shows_a_name_and_nothing_else_of_it(folder: Path) -> None:
    """On a terminal that obeys escapes: the picture carries the name, the title stays."""
    pyte = pytest.importorskip("pyte")
    screen = pyte.Screen(100, 30)
    shown = on_terminal(
        *("replay", folder / f"good{HOSTILE}.wav", folder / f"bad{HOSTILE}.wav"),
        *("--no-log", "--display", "dashboard", "--speed", 2),
        terminal="xterm-256color",
    )
    assert b"\x1b]" not in shown.data
    for command in (b"\x07", b"\x08", b"\x0b", b"\xc2\x9b", "\u202e".encode()):
        assert command not in shown.data
    stream = pyte.ByteStream(screen)
    seen = set()
    for part in shown.data.split(b"\x1b[?1049l")[0].split(b"\x1b[1;1H"):
        stream.feed(b"\x1b[1;1H" + part)
        seen.update(line.rstrip() for line in screen.display)
    assert any(PLAIN in line for line in seen)
    assert screen.title == ""


FAKE_SOUNDDEVICE = '''
"""Stands for PortAudio with devices of any name: no real device can be given such a name."""
NAME = {name!r}
class PortAudioError(Exception): pass
class default: device = (0, 0)
def query_devices(*a):
    found = [dict(index=k, name=f"mic {{k}}" + NAME, hostapi=0, max_input_channels=1,
                  default_samplerate=16000.0) for k in range(2)]
    return found[a[0]] if a else found
def query_hostapis(*a): return [dict(name="api" + NAME)]
def check_input_settings(*a, **k): pass
class InputStream:
    def __init__(self, *a, **k): raise PortAudioError("no " + NAME)
def _terminate(): pass
def _initialize(): pass
'''


@pytest.mark.parametrize(
    "arguments", [("-l",), ("-d", "mic"), ("-d", "9"), ("--no-log",), ("enroll", "anna")], ids=str
)
def test_device_names_are_only_shown(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """In the list, in errors that list devices, and in PortAudio's own errors."""
    (tmp_path / "sounddevice.py").write_text(FAKE_SOUNDDEVICE.format(name=HOSTILE))
    shown = on_terminal(
        *arguments, cwd=tmp_path, PYTHONPATH=str(tmp_path), HOME=str(tmp_path), COLUMNS="200"
    )
    assert_harmless(shown)
    assert "[red]x" in shown.text.replace("\n", "")


@pytest.mark.parametrize("what", ["show", "export"])
def test_fields_of_a_log_are_only_shown(what: str, tmp_path: Path) -> None:
    """Whoever wrote the log, its summary and its table on the terminal command nothing."""
    shown = on_terminal("log", what, hostile_log(tmp_path / "log.jsonl"))
    assert_harmless(shown, is_csv=what == "export")
    assert shown.returncode == 0
    assert PLAIN in shown.text


def test_texts_of_a_models_card_are_only_shown(tmp_path: Path) -> None:
    """A card with hostile texts is refused without them; a folder's name is shown."""
    for field in ("id", "licence", "features"):
        folder = tmp_path / f"{field}{HOSTILE}"
        shutil.copytree(PACKAGE.parent / "models" / "classic", folder)
        card = json.loads((folder / "card.json").read_text())
        if field == "features":
            card["features"]["names"][3] = HOSTILE
        else:
            card[field] = HOSTILE
        (folder / "card.json").write_text(json.dumps(card))
        shown = on_terminal("replay", DEMO, "--no-log", "--model", folder)
        assert_harmless(shown)
        assert shown.returncode == 5
        assert "field of the wrong kind" in shown.text.replace("\n", " ")


def test_texts_of_a_profile_are_only_shown(tmp_path: Path) -> None:
    """The list of speakers and a session refuse a card with hostile texts, harmlessly."""
    folder = tmp_path / "share" / "ser-live" / "profiles"
    for name, field in (("anna", "model"), ("bert", "made_at")):
        texts = {"name": name, "made_at": "2026", "model": "ear", field: HOSTILE}
        card = ProfileCard(
            **texts, model_sha256="0", feature_set="1", n_utterances=8, speech_s=9.0,
            level_dbfs=-20.0, snr_db=30.0,
        )  # fmt: skip
        save_profile(SpeakerProfile(card, {}), folder=folder)
    environment = {"XDG_DATA_HOME": str(tmp_path / "share"), "HOME": str(tmp_path)}
    listed = on_terminal("enroll", "--list", **environment)
    assert_harmless(listed)
    assert listed.text.count("cannot be used") == 2
    used = on_terminal("replay", DEMO, "--no-log", "--speaker", "anna", **environment)
    assert_harmless(used)
    assert used.returncode == 8


def test_what_libraries_printed_is_harmless_when_it_is_shown_at_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Messages held back while the dashboard was open come out without their escapes."""
    path = tmp_path / "held"
    path.write_bytes(f"libfoo: cannot open {HOSTILE}\nnext\n".encode())
    with path.open("rb") as held:
        _print_end(held)
    said = capsys.readouterr().err
    assert all(line.isprintable() for line in said.split("\n"))
    assert PLAIN in said


def test_a_line_of_json_commands_nothing_and_loses_nothing() -> None:
    """Escapes, control characters of 8 bits and direction overrides are written as numbers."""
    record = {"file": HOSTILE, "name": "ünï 録音"}
    line = json_line(record)
    assert line.isprintable()
    assert json.loads(line) == record
    assert "録音" in json_line({"name": "ünï 録音"})


def _printing_calls(path: Path) -> list[tuple[str, int]]:
    """Calls that print without passing `echo`: a constant and a line of JSON are harmless."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name not in ("click.echo", "click.secho", "print", "sys.stdout.write"):
            continue
        first = node.args[0] if node.args else ast.Constant("")
        if isinstance(first, ast.Constant) or ast.unparse(first).startswith("json_line("):
            continue
        found.append((path.relative_to(PACKAGE).as_posix(), node.lineno))
    return found


ALLOWED = {
    "terminal/printing.py": "the one place where text is made harmless",
    "cli/batch_run.py": "rows: for programs as they are, in a table made harmless cell by cell",
    "cli/completion.py": "a script of click's for a shell, with nothing from outside in it",
    "cli/rows_output.py": "rows and tables, made harmless cell by cell by those who write them",
    "outputs/standard_output.py": "rows of CSV, made harmless cell by cell",
    "cli/history_options.py": "a status line of numbers, with a carriage return of its own",
    "cli/enroll.py": "a status line of numbers, with an escape of its own",
}


def test_everything_for_people_is_printed_in_one_place() -> None:
    """No module prints a text of its own making past `ser_live.terminal.printing.echo`."""
    found = [call for path in sorted(PACKAGE.rglob("*.py")) for call in _printing_calls(path)]
    assert [call for call in found if call[0] not in ALLOWED] == []
    assert len(found) == len(ALLOWED)
