"""Words that a shell completes: devices, models, voices and sessions of this machine.

A shell asks while somebody types, so nothing here may print or fail: what cannot be found out
is not offered. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

PROGRAM = "ser-live"
VARIABLE = "_SER_LIVE_COMPLETE"
"""Variable of the environment by which a script of `completion` asks."""

_MOST_SESSIONS = 20
"""Most sessions that are offered; older ones are found with `ser-live log list`."""

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,}")
"""Part of a device's name that no shell would split or expand."""


def devices(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """A word of each device's name that no other has, or its number."""
    from ser_live.process.sound import prepared_for_sound

    with suppress(Exception), prepared_for_sound(opens_microphone=True):
        from ser_live.sources.devices import list_devices

        found = list_devices()
        return _offered(
            ((distinct_word(n, [d.label for d in found]), d.label) for n, d in enumerate(found)),
            incomplete,
        )
    return []


def distinct_word(number: int, labels: list[str]) -> str:
    """First word of a label ("3 USB Headset (ALSA)") that is in no other one, or its number."""
    own, others = labels[number], " ".join(labels[:number] + labels[number + 1 :]).casefold()
    index, _, name = own.partition(" ")
    words = (word for word in _WORD.findall(name) if word.casefold() not in others)
    return next(words, index)


def models(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Bundled models by name, or folders where none begins like that."""
    from ser_live.bundled import bundled_models

    names: list[str] = []
    with suppress(OSError):
        names = sorted(card.parent.name for card in bundled_models().glob("*/card.json"))
    found = _offered(((name, "bundled model") for name in names), incomplete)
    if not found:
        from click.shell_completion import CompletionItem

        found = [CompletionItem(incomplete, type="dir")]
    return found


def speakers(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the voices that were enrolled."""
    with suppress(Exception):
        from ser_live.speaker.profile import profile_names

        return _offered(((name, "enrolled voice") for name in profile_names()), incomplete)
    return []


def sessions(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Numbers of the newest sessions, each with its start; files for what is no number."""
    from click.shell_completion import CompletionItem

    if incomplete and not incomplete.isdigit():
        return [CompletionItem(incomplete, type="file")]
    with suppress(Exception):
        from ser_live.records.session_list import logged_sessions

        found = logged_sessions()[:_MOST_SESSIONS]
        return _offered(((str(n), path.stem) for n, path in enumerate(found, 1)), incomplete)
    return []


def priors(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Priors that have a name."""
    return _offered(
        [("everyday", "mostly plain talk"), ("balanced", "all labels alike")], incomplete
    )


def recipes(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Training recipes."""
    return _offered(((name, "training recipe") for name in ("ear", "classic", "own")), incomplete)


def configured_commands(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Commands that the configuration file is for."""
    from ser_live.cli.configured import CONFIGURED

    return _offered(((name, "command") for name in CONFIGURED), incomplete)


def commands(table: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    """Commands that begin like that, each with its help; else files, which are replayed."""
    from click.shell_completion import CompletionItem

    return _offered(table, incomplete) or [CompletionItem(incomplete, type="file")]


def _offered(words: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [
        CompletionItem(word, help=" ".join(text.split()))
        for word, text in words
        if word.casefold().startswith(incomplete.casefold())
    ]
