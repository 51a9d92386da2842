"""The configuration file, the variables, and what goes before what."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ser_live.cli import cli
from ser_live.cli.configured import CONFIGURED, options_of, read_file
from ser_live.errors import UsageError
from ser_live.records.folders import config_file


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own file out of it."""
    monkeypatch.setattr("platformdirs.user_config_dir", lambda *_, **__: str(tmp_path / "own"))


def run(*words: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(cli, words, env=env, catch_exceptions=True)


def shown(*words: str, env: dict[str, str] | None = None) -> dict[str, tuple[str, str]]:
    """Value and origin by option, as ``config show`` prints them."""
    result = run(*words, env=env)
    assert result.exit_code == 0, (result.output, result.exception)
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    return {row[0]: ("".join(row[1:-1]), row[-1]) for row in rows}


def file_with(tmp_path: Path, text: str) -> str:
    path = tmp_path / "set.toml"
    path.write_text(text)
    return str(path)


class TestPrecedence:
    def test_each_goes_before_the_next(self, tmp_path):
        file = file_with(tmp_path, 'prior = "balanced"\n[replay]\nspeed = 3\n')
        assert shown("config", "show", "replay")["--prior"] == ("everyday", "default")
        of_file = shown("--config", file, "config", "show", "replay")
        assert of_file["--prior"] == ("balanced", "file")
        assert of_file["--speed"] == ("3", "file")
        variable = {"SER_LIVE_PRIOR": "everyday"}
        found = shown("--config", file, "config", "show", "replay", env=variable)
        assert found["--prior"] == ("everyday", "SER_LIVE_PRIOR")

    @pytest.mark.parametrize(
        ("words", "env", "speed"),
        [
            ([], {}, 3.0),
            ([], {"SER_LIVE_SPEED": "2"}, 2.0),
            (["--speed", "1"], {"SER_LIVE_SPEED": "2"}, 1.0),
        ],
    )
    def test_the_command_gets_what_is_shown(self, tmp_path, monkeypatch, words, env, speed):
        """The values really reach the command, and a file is played without its name."""
        got = {}
        monkeypatch.setattr(
            "ser_live.sources.FileSource", lambda path, **options: got.update(options) or path
        )
        monkeypatch.setattr(
            "ser_live.cli.replay.run_live", lambda _, options: got.update(of=options)
        )
        talk = tmp_path / "talk.wav"
        talk.touch()
        file = file_with(
            tmp_path, "no-log = true\n[segmenter]\nhangover_s = 0.9\n[replay]\nspeed = 3"
        )
        result = run("--config", file, str(talk), *words, env=env)
        assert result.exit_code == 0, result.exception
        assert got["speed"] == speed
        assert got["of"].no_log
        assert got["of"].settings.segmenter.hangover_s == 0.9

    def test_a_table_is_for_its_command_alone(self, tmp_path):
        file = file_with(tmp_path, '[analyze]\nformat = "csv"\n')
        assert shown("--config", file, "config", "show", "analyze")["--format"] == ("csv", "file")
        assert shown("--config", file, "config", "show", "replay")["--format"] == ("", "default")

    def test_a_table_goes_before_what_is_for_all(self, tmp_path):
        file = file_with(tmp_path, 'prior = "everyday"\n[demo]\nprior = "balanced"\n')
        assert shown("--config", file, "config", "show", "demo")["--prior"][0] == "balanced"
        assert shown("--config", file, "config", "show", "listen")["--prior"][0] == "everyday"


class TestWrongFiles:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("speeed = 2", "unknown key 'speeed': did you mean speed?"),
            ("[repaly]\nspeed = 2", "unknown key 'repaly': did you mean replay?"),
            ("[replay]\nunit = 'file'", "unknown key 'unit' below [replay]"),
            ("[segmenter]\nhangover = 1", "'hangover' below [segmenter]: did you mean hangover_s?"),
            ("speed = 'fast'", "speed = 'fast', but `ser-live replay` cannot take it"),
            ("no_log = 'yes'", "no_log = 'yes', but true or false is needed"),
            ("speed = true", "speed = True, but text or a number is needed"),
            ("speed = [1]", "speed = [1], but text, a number or true or false is needed"),
            ("format = 'table'", "put it below the table of the command"),
            ("speed = ", "is not valid TOML"),
        ],
    )
    def test_is_one_sentence(self, tmp_path, text, said):
        result = run("--config", file_with(tmp_path, text), "replay", "x.wav")
        assert isinstance(result.exception, UsageError)
        assert said in str(result.exception)
        assert str(tmp_path / "set.toml") in str(result.exception)

    def test_a_named_file_must_be_there(self, tmp_path):
        result = run("--config", str(tmp_path / "no.toml"), "listen")
        assert "There is no file" in str(result.exception)
        assert read_file(None) == (config_file(), {})

    def test_help_and_other_commands_do_without(self, tmp_path):
        file = file_with(tmp_path, "speeed = 2")
        for words in (["--help"], ["config", "--help"], ["purge", "--help"]):
            assert run("--config", file, *words).exit_code == 0


class TestInit:
    def test_what_it_writes_is_valid_with_every_line_switched_on(self, tmp_path):
        file = tmp_path / "made" / "set.toml"
        assert run("--config", str(file), "config", "init").exit_code == 0
        text = file.read_text()
        assert read_file(file)[1].keys() >= {"replay", "segmenter"}
        assert not [line for line in text.splitlines() if len(line) > 100]
        lines = [
            line.removeprefix("# ") if " = " in line and line.split()[1].islower() else line
            for line in text.splitlines()
        ]
        switched_on = file_with(tmp_path, "\n".join(lines))
        written = {
            key
            for table in read_file(Path(switched_on))[1].values()
            if isinstance(table, dict)
            for key in table
        } | read_file(Path(switched_on))[1].keys()
        context = None
        for name in CONFIGURED:
            command = cli.get_command(context, name)
            for key, option in options_of(command).items():
                group = key.partition("_")[0]
                assert key in written or (
                    option.hidden and key.removeprefix(f"{group}_") in written
                )

    def test_nothing_is_overwritten(self, tmp_path):
        file = file_with(tmp_path, "mine = 1")
        result = run("--config", file, "config", "init")
        assert "is there already" in str(result.exception)
        assert Path(file).read_text() == "mine = 1"


def test_a_word_that_is_nothing_gets_a_suggestion():
    for word, said in (("lisen", "did you mean `ser-live listen`?"), ("no.wav", "check the path")):
        assert said in str(run(word).exception)
