"""Completion in real shells, each on a terminal of its own: what a tab leads to."""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from click.shell_completion import CompletionItem
from click.testing import CliRunner
from debian_packages import missing_programs
from made_log import call, write_log
from made_profile import PROFILE
from places import ROOT

from ser_live.cli import cli, completing
from ser_live.speaker.profile import save_profile

PROMPT = "ready> "
SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        f"PS1='{PROMPT}'; bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; ",
        'eval "$(ser-live completion bash)"',
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        f"PS1='{PROMPT}'; unsetopt zle_bracketed_paste prompt_sp; autoload -U compinit; "
        "compinit -u -D; ",
        'eval "$(ser-live completion zsh)"',
    ),
    "fish": (
        ["fish", "--no-config", "-i"],
        f"function fish_prompt; echo -n '{PROMPT}'; end; set fish_greeting; "
        "set fish_autosuggestion_enabled 0; ",
        "ser-live completion fish | source",
    ),
}
"""Command line, preparation, and how the script is read."""


class Terminal:
    """A shell that somebody types into."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._ours, theirs = os.openpty()
        self._process = subprocess.Popen(
            arguments,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**os.environ, **environment, "TERM": "dumb"},
        )
        os.close(theirs)

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def wait_for(self, path: Path, what: str, timeout_s: float = 60.0) -> str:
        """Contents of a file, once a command that was typed has written `what` into it."""
        deadline_s = time.monotonic() + timeout_s
        seen = b""
        while time.monotonic() < deadline_s:
            if select.select([self._ours], [], [], 0.05)[0]:
                with suppress(OSError):  # the shell ended
                    seen += os.read(self._ours, 4096)
            if path.exists() and what in (text := path.read_text(encoding="utf-8")):
                return text
        pytest.fail(f"{what!r} never came; the terminal showed {seen.decode(errors='replace')}")

    def close(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._ours)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with a recording, `ser-live` on the path, a voice enrolled."""
    home = tmp_path_factory.mktemp("home")
    program = home / "bin" / "ser-live"
    program.parent.mkdir()
    # Its arguments are noted, so that a test sees what a shell made of the keys.
    program.write_text(
        f"#!{sys.executable}\n"
        "import os, sys\n"
        "if '_SER_LIVE_COMPLETE' in os.environ or 'completion' in sys.argv:\n"
        "    from ser_live.cli import main\n"
        "    main()\n"
        "with open(os.environ['NOTED'], 'a') as noted:\n"
        "    noted.write(repr(sys.argv[1:]) + '\\n')\n"
    )
    program.chmod(0o755)
    (home / "interview.wav").touch()
    save_profile(PROFILE, folder=home / "data" / "ser-live" / "profiles")
    sessions = home / "state" / "ser-live" / "sessions"
    sessions.mkdir(parents=True)
    write_log(sessions / "20260329-015958-1.jsonl", call())
    return home, {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "ZDOTDIR": str(home / "zsh"),
    }


@pytest.mark.parametrize("shell", SHELLS)
def test_a_tab_completes(shell: str, machine: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    """Command, option, choice, file, model, voice and session, each from its first letters."""
    if why := missing_programs([shell]):
        pytest.skip(why)
    home, environment = machine
    arguments, prepare, read_script = SHELLS[shell]
    noted = tmp_path / "noted"
    environment = {**environment, "NOTED": str(noted)}
    with closing(Terminal(arguments, home, environment)) as terminal:
        terminal.type(f"{prepare}{read_script}; echo done > {tmp_path}/begun\r")
        terminal.wait_for(tmp_path / "begun", "done")
        typed = (
            "ser-live repl\tinterv\t--mod\tclas\t--speak\tan\t--form\tjso\t",
            "ser-live inter\t--sens\thi\t--prior bal\t",
            "ser-live log show \t",
            "ser-live log exp\t--to text\t",
        )
        for line in typed:
            terminal.type(f"{line}\r")
        found = terminal.wait_for(noted, "textgrid")
    assert found.splitlines() == [
        "['replay', 'interview.wav', '--model', 'classic', '--speaker', 'anna', "
        "'--format', 'jsonl']",
        "['interview.wav', '--sensitivity', 'high', '--prior', 'balanced']",
        "['log', 'show', '1']",
        "['log', 'export', '--to', 'textgrid']",
    ]


INSTALLED = {
    "bash": (
        SHELLS["bash"][0],
        "PS1='{prompt}'; bind 'set enable-bracketed-paste off'; source {path}",
        "data/bash-completion/completions/ser-live",
    ),
    "zsh": (
        SHELLS["zsh"][0],
        "PS1='{prompt}'; unsetopt zle_bracketed_paste prompt_sp; fpath+=({folder}); "
        "autoload -U compinit; compinit -u -D",
        "zsh/.zfunc/_ser-live",
    ),
    "fish": (["fish", "-i"], "set fish_greeting", "config/fish/completions/ser-live.fish"),
}
"""Command line, what the sentence about it says is needed, and the file."""


@pytest.mark.parametrize("shell", INSTALLED)
def test_an_installed_script_completes(
    shell: str, machine: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    """Written where the shell looks, with the line that is told, it completes; twice is no harm."""
    if why := missing_programs([shell]):
        pytest.skip(why)
    home, environment = machine
    arguments, prepare, place = INSTALLED[shell]
    noted, path = tmp_path / "noted", home / place
    environment = {**environment, "NOTED": str(noted), "SHELL": f"/bin/{shell}"}
    for words in ([shell], []):
        result = subprocess.run(
            [sys.executable, "-m", "ser_live", "completion", *words, "--install"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **environment},
        )
        assert result.stdout.startswith(f"Wrote {path}; ")
    with closing(Terminal(arguments, home, environment)) as terminal:
        line = prepare.format(prompt=PROMPT, path=path, folder=path.parent)
        terminal.type(f"{line}; echo done > {tmp_path}/begun\r")
        terminal.wait_for(tmp_path / "begun", "done")
        terminal.type("ser-live repl\tinter\t--disp\tda\t\r")
        assert terminal.wait_for(noted, "replay") == (
            "['replay', 'interview.wav', '--display', 'dashboard']\n"
        )


def test_what_is_not_ours_is_not_overwritten(tmp_path: Path) -> None:
    """A file of somebody's own stays as it is, and so does a place that cannot be written."""
    own = tmp_path / "fish" / "completions" / "ser-live.fish"
    own.parent.mkdir(parents=True)
    own.write_text("# mine")
    run = CliRunner().invoke
    words, env = ["completion", "fish", "--install"], {"XDG_CONFIG_HOME": str(tmp_path)}
    result = run(cli, words, env=env)
    assert "is not of ser-live, so it is not overwritten" in str(result.exception)
    assert own.read_text() == "# mine"
    result = run(cli, words, env={"XDG_CONFIG_HOME": str(own)})
    assert "cannot be written" in str(result.exception)
    result = run(cli, ["completion"], env={"SHELL": "/bin/tcsh"})
    assert "Found 'tcsh' in $SHELL" in str(result.exception)


def offered(*words: str, incomplete: str = "") -> list[str]:
    """Words that are offered behind those given."""
    from click.shell_completion import ShellComplete

    found: list[CompletionItem] = ShellComplete(
        cli, {}, completing.PROGRAM, completing.VARIABLE
    ).get_completions(list(words), incomplete)
    return [item.value for item in found]


def test_what_is_offered() -> None:
    """Every command; options of the one that runs without a name."""
    assert offered() == cli.list_commands(None)  # type: ignore[arg-type]
    assert offered(incomplete="ev") == ["evaluate"]
    assert {"--finals", "--device", "--version"} <= set(offered(incomplete="--"))
    assert offered("--debug", incomplete="lo") == ["log"]
    assert offered("log", incomplete="s") == ["show"]
    assert offered("help", incomplete="ver") == ["version"]
    assert offered("help", "log", incomplete="f") == ["follow"]
    assert offered("--model", incomplete="e") == ["ear"]
    assert offered("analyze", "--model", incomplete="./") == ["./"]  # a folder, for the shell
    assert offered("completion") == ["bash", "zsh", "fish"]
    assert offered("config", "show", incomplete="an") == ["analyze"]
    assert offered("train", "--model") == ["ear", "classic", "own"]
    assert offered("log", "show", incomplete="./") == ["./"]  # a file, for the shell


def test_devices_are_offered_by_a_word_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that chooses exactly this one; its number where every word is somebody else's too."""
    from ser_live.sources import devices
    from ser_live.sources.devices import InputDevice, choose_device

    names = ["USB Headset, Mono", "USB Camera: Mono (hw:2,0)", "USB Mono"]
    found = [InputDevice(n, name, "ALSA", 1, 48_000, n == 0) for n, name in enumerate(names)]
    monkeypatch.setattr(devices, "list_devices", lambda: found)
    assert offered("-d") == offered("enroll", "anna", "--device") == ["Headset", "Camera", "2"]
    assert offered("-d", incomplete="cam") == ["Camera"]
    assert [choose_device(found, word).index for word in offered("-d")] == [0, 1, 2]


def test_what_cannot_be_found_out_is_not_offered(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed into the line that somebody types."""
    from ser_live.sources import devices

    def refuse() -> None:
        raise OSError("no sound here")

    monkeypatch.setattr(devices, "list_devices", refuse)
    assert offered("-d") == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here to read a script")
def test_the_script_is_one_that_bash_reads() -> None:
    """The printed script parses, and says which program asks."""
    script = subprocess.run(
        [sys.executable, "-m", "ser_live", "completion", "bash"], capture_output=True, check=True
    ).stdout
    assert b"_SER_LIVE_COMPLETE=bash_complete" in script
    subprocess.run(["bash", "-n"], input=script, check=True)
