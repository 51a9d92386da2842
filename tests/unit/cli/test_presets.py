"""Presets: what they stand for, and that a setting that is given itself wins."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from ser_live.cli import cli
from ser_live.cli.live import LiveOptions
from ser_live.cli.options import SETTING_GROUPS
from ser_live.cli.presets import NORMAL, PRESETS, preset_rows, values_of
from ser_live.config import Settings


def settings_of(
    monkeypatch: pytest.MonkeyPatch, *words: str, env: dict[str, str] | None = None
) -> Settings:
    """Settings that a replay is run with."""
    got: list[LiveOptions] = []

    def run_live(_: object, options: LiveOptions) -> int:
        got.append(options)
        return 0

    monkeypatch.setattr("ser_live.cli.replay.run_live", run_live)
    result = CliRunner().invoke(cli, ["replay", "x.wav", *words], env=env)
    assert result.exit_code == 0, result.output
    return got[0].settings


@pytest.mark.parametrize(
    ("preset", "word"), [(name, word) for name, words in PRESETS.items() for word in words]
)
def test_a_preset_is_exactly_its_settings(
    preset: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else changes, and the normal one changes nothing."""
    expected = Settings()
    for group, values in PRESETS[preset][word].items():
        expected = replace(expected, **{group: replace(getattr(expected, group), **values)})
    assert settings_of(monkeypatch, f"--{preset}", word) == expected
    assert (expected == Settings()) == (word == NORMAL)


def test_what_is_given_itself_wins_wherever_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the command line, by a variable or in a file; presets come from there too."""
    own = settings_of(monkeypatch, "--pace", "lively", "--segmenter-hangover-s", "0.6").segmenter
    assert (own.hangover_s, own.max_utterance_s) == (0.6, 6.0)
    variables = {"SER_LIVE_PACE": "calm", "SER_LIVE_SEGMENTER_HANGOVER_S": "0.5"}
    own = settings_of(monkeypatch, env=variables).segmenter
    assert (own.hangover_s, own.partial_every_s) == (0.5, 1.0)
    file = tmp_path / "set.toml"
    file.write_text('sensitivity = "high"\n[vad]\nsure_probability = 0.9\n')
    vad = settings_of(monkeypatch, env={"SER_LIVE_CONFIG": str(file)}).vad
    assert (vad.sure_probability, vad.possible_probability) == (0.9, 0.05)


def test_both_presets_hold_together() -> None:
    """Neither loses what it shares a group with."""
    both = values_of(sensitivity="low", pace="calm")
    assert both["segmenter"] == {
        **PRESETS["sensitivity"]["low"]["segmenter"],
        **PRESETS["pace"]["calm"]["segmenter"],
    }


def test_every_setting_of_a_preset_is_in_the_table() -> None:
    """With its usual value in the middle, between a lower and a higher one or beside an equal."""
    rows = list(preset_rows())
    named = {
        (preset, f"--{group}-{name.replace('_', '-')}")
        for preset, words in PRESETS.items()
        for values in words.values()
        for group, own in values.items()
        for name in own
    }
    assert {(preset, option) for preset, option, _ in rows} == named
    known = {f"{g}.{f.name}" for g, cls in SETTING_GROUPS.items() for f in fields(cls)}
    for _, option, values in rows:
        group, _, name = option.removeprefix("--").partition("-")
        assert f"{group}.{name.replace('-', '_')}" in known
        assert list(values) in (sorted(values), sorted(values, reverse=True))
        assert values[1] == getattr(getattr(Settings(), group), name.replace("-", "_"))
