"""Presets in plain words: each stands for settings, and one that is given itself wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import click

from ser_live.cli.options import Command
from ser_live.config import SegmenterSettings, VadSettings

Values: TypeAlias = Mapping[str, Mapping[str, float]]
"""Values of settings by group and name."""

NORMAL = "normal"
"""The settings as they are by themselves, whichever preset it is of."""

SENSITIVITY: Mapping[str, Values] = {
    "low": {
        "vad": {
            "min_above_noise_db": 6.0,
            "wake_above_noise_db": 3.0,
            "sure_probability": 0.6,
            "possible_probability": 0.3,
            "suspected_probability": 0.1,
        },
        "segmenter": {"open_share": 0.9},
    },
    NORMAL: {},
    "high": {
        "vad": {
            "min_above_noise_db": 2.0,
            "wake_above_noise_db": 1.0,
            "sure_probability": 0.15,
            "possible_probability": 0.05,
            "suspected_probability": 0.01,
        },
        "segmenter": {"open_share": 0.6},
    },
}
"""Ease with which sound counts as speech; docs/commands.md says what each word lets in."""

PACE: Mapping[str, Values] = {
    "calm": {
        "segmenter": {
            "hangover_s": 0.8,
            "partial_first_s": 1.5,
            "partial_every_s": 1.0,
            "partial_growth": 0.5,
        },
    },
    NORMAL: {},
    "lively": {
        "segmenter": {
            "hangover_s": 0.3,
            "max_utterance_s": 6.0,
            "partial_first_s": 0.5,
            "partial_every_s": 0.3,
            "partial_growth": 0.1,
        },
    },
}
"""Haste of answers, and the pause that ends an utterance."""

PRESETS = {"sensitivity": SENSITIVITY, "pace": PACE}


def preset_options(command: Command) -> Command:
    """Add ``--sensitivity`` and ``--pace``, which `settings_options` turns into settings."""
    options = [
        click.option(
            "--sensitivity",
            type=click.Choice(list(SENSITIVITY)),
            default=NORMAL,
            show_default=True,
            help="How easily sound counts as speech; high for quiet or distant talk, low where "
            "noise is let in. A setting that is given itself wins.",
        ),
        click.option(
            "--pace",
            type=click.Choice(list(PACE)),
            default=NORMAL,
            show_default=True,
            help="How soon there are answers; calm joins speech across longer pauses, lively ends "
            "utterances early and answers more often. A setting that is given itself wins.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def values_of(**chosen: str) -> dict[str, dict[str, float]]:
    """Values of settings by group that presets stand for.

    Parameters
    ----------
    chosen : str
        The word chosen of each of `PRESETS`.
    """
    found: dict[str, dict[str, float]] = {}
    for preset, word in chosen.items():
        for group, values in PRESETS[preset][word].items():
            found.setdefault(group, {}).update(values)
    return found


def preset_rows() -> Iterator[tuple[str, str, tuple[float, ...]]]:
    """Preset, setting and its value for each word, in the order of the words; for the page."""
    usual = {"vad": VadSettings(), "segmenter": SegmenterSettings()}
    for preset, words in PRESETS.items():
        settings = {
            (group, name): None
            for values in words.values()
            for group, named in values.items()
            for name in named
        }
        for group, name in settings:
            values = (
                word.get(group, {}).get(name, getattr(usual[group], name))
                for word in words.values()
            )
            yield preset, f"--{group}-{name.replace('_', '-')}", tuple(values)
