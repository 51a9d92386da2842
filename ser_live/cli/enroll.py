"""``ser-live enroll``: get to know a voice before a session."""

from __future__ import annotations

import math
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live.cli.completing import speakers
from ser_live.cli.help_pages import Page
from ser_live.cli.options import (
    channel_option,
    device_option,
    device_wait_option,
    model_option,
    settings_options,
)
from ser_live.config import Settings
from ser_live.errors import UsageError
from ser_live.terminal.printing import echo, echo_lines

if TYPE_CHECKING:
    from collections.abc import Generator

    from ser_live.events import DeviceEvent
    from ser_live.session.enrolment import Progress
    from ser_live.sources import AudioSource

_FLOOR_DBFS = -70.0
_METER_CELLS = 20


@click.command(cls=Page, shown=("device", "file", "replace", "list", "remove", "channel"))
@click.argument("name", required=False)
@device_option
@click.option(
    "--file",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Recording of the speaker instead of the microphone; may be given several times.",
)
@click.option("--replace", "replaces", is_flag=True, help="Enrol NAME again.")
@click.option("--list", "lists", is_flag=True, help="List who is enrolled and leave.")
@click.option(
    "--remove",
    metavar="NAME",
    shell_complete=speakers,
    help="Forget the voice enrolled as NAME and leave.",
)
@device_wait_option
@channel_option
@model_option
@settings_options
def command(
    name: str | None,
    device: str | None,
    files: tuple[Path, ...],
    replaces: bool,
    lists: bool,
    remove: str | None,
    device_wait: float,
    channel: int | None,
    model: str | None,
    settings: Settings,
) -> None:
    """Enrol the voice of NAME for `--speaker NAME`.

    Shows a text to read aloud for 30 s; any language and any calm text will do.
    The sound is not kept, only statistics of it. Ctrl-C ends without a profile.

    \b
    Examples:
      ser-live enroll anna                     read aloud into the microphone
      ser-live enroll anna --file talk.wav     from a recording of anna alone

    \f
    Statistics of the voice are kept in the user's data folder, readable by their
    owner only. They are good for the model they were made with. A microphone that
    is unplugged meanwhile is waited for, the same one first, then the default one;
    what was read before counts.

    \b
    More examples:
      ser-live --speaker anna                  listen, knowing her voice
      ser-live enroll --list
    """
    if sum([name is not None, lists, remove is not None]) != 1:
        raise UsageError(
            "Found none or several of NAME, --list and --remove NAME, but one of them is needed: "
            "see `ser-live enroll --help`."
        )
    if lists:
        _print_list()
    elif remove is not None:
        from ser_live.speaker.profile import remove_profile

        remove_profile(remove)
        echo(f"The voice of {remove} is forgotten.")
    elif name is not None:
        sources = _sources(device, device_wait, files, channel)
        _enrol(name, sources, replaces, model, channel, settings)


def _enrol(
    name: str,
    sources: list[AudioSource],
    replaces: bool,
    model: str | None,
    channel: int | None,
    settings: Settings,
) -> None:
    from ser_live.session.enrolment import READING_S, TEXT, Enrolment
    from ser_live.speaker.profile import check_name, refuse_existing, save_profile
    from ser_live.stream.analyzer import loaded

    check_name(name)
    if not replaces:
        refuse_existing(name)
    emotion_model = loaded(model)
    enrolment = Enrolment(name, emotion_model, settings, channel)
    if sources[0].is_live:
        echo_lines(
            f"Read this aloud for {READING_S:.0f} s, as you usually speak, with a short pause "
            f"after each sentence.\nAny language and any calm text will do.\n\n{TEXT}",
            err=True,
        )
    for source in sources:
        limit_s = READING_S if source.is_live else None
        _watch(enrolment.listen(source, limit_s), limit_s)
    profile = enrolment.profile()
    path = save_profile(profile, replace=replaces)
    card = profile.card
    echo(
        f"Enrolled {card.name}: {card.n_utterances} utterances, {card.speech_s:.0f} s of speech, "
        f"level {card.level_dbfs:.0f} dBFS, {card.snr_db:.0f} dB above the background."
    )
    echo(f"Use it with `ser-live --speaker {card.name}`; kept in {path.parent}.")


def _sources(
    device: str | None, device_wait: float, files: tuple[Path, ...], channel: int | None
) -> list[AudioSource]:
    from ser_live.sources import FileSource, ReconnectingMicrophone

    if files and device is not None:
        raise UsageError("Found both --file and --device, but only one can be heard.")
    if files and not math.isinf(device_wait):
        raise UsageError(
            "Found both --device-wait and --file, but only a microphone is waited for: "
            "leave one out."
        )
    if files:
        return [FileSource(path, speed=0) for path in files]
    # A channel asked for must be among those opened; mono would be the default.
    n_channels = None if channel is None else channel + 1
    return [ReconnectingMicrophone(device, n_channels=n_channels, wait_s=device_wait)]


def _watch(steps: Generator[Progress | DeviceEvent, None, None], limit_s: float | None) -> None:
    """Run an enrolment through, with one line that moves where there is a terminal."""
    from ser_live.session.enrolment import Progress

    is_shown = sys.stderr.isatty()
    shown_s = 0.0
    # Closed here, so that the microphone is closed before Ctrl-C or an error is spoken of.
    with closing(steps):
        try:
            for step in steps:
                if isinstance(step, Progress):
                    if is_shown and abs(step.position_s - shown_s) >= 0.1:
                        shown_s = step.position_s
                        click.echo(f"\r{_status(step, limit_s)}\x1b[K", nl=False, err=True)
                elif news := _news(step):
                    if is_shown:
                        echo(err=True)
                    echo(news, err=True)
        finally:
            if is_shown:
                echo(err=True)


def _news(notice: DeviceEvent) -> str:
    """A line about a microphone that was lost or found; empty while it is looked for."""
    from ser_live.events import DeviceFound, DeviceLost
    from ser_live.outputs.text_lines import text_line

    if isinstance(notice, DeviceLost):
        return f"ser-live: {notice.message}"
    return text_line(notice) if isinstance(notice, DeviceFound) else ""


def _status(progress: Progress, limit_s: float | None) -> str:
    """Time, level, noise, and how much speech there is, in one line of at most 79 cells."""
    from ser_live.terminal.text import clock

    of = "" if limit_s is None else f" of {clock(limit_s)}"
    share = 0.0
    if math.isfinite(progress.level_dbfs):
        share = min(1.0, max(0.0, 1.0 - progress.level_dbfs / _FLOOR_DBFS))
    bar = "#" * round(share * _METER_CELLS)
    return (
        f"{clock(progress.position_s)}{of}  {bar:-<{_METER_CELLS}} {_db(progress.level_dbfs)} dBFS"
        f"  noise {_db(progress.noise_dbfs)}  speech {progress.speech_s:4.1f} s"
        f" in {progress.n_utterances}"
    )


def _db(value: float) -> str:
    return f"{value:4.0f}" if math.isfinite(value) else "   -"


def _print_list() -> None:
    from rich.table import Table
    from rich.text import Text

    from ser_live.errors import ProfileError
    from ser_live.speaker.profile import load_profile, profile_names
    from ser_live.terminal.console import plain_console
    from ser_live.terminal.text import printable

    names = profile_names()
    if not names:
        echo("Nobody is enrolled yet: see `ser-live enroll --help`.", err=True)
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "made", "model", "utterances", "speech (s)", "level (dBFS)"):
        table.add_column(heading)
    bad: list[str] = []
    for name in names:
        try:
            card = load_profile(name).card
        except ProfileError as error:
            bad.append(str(error))
            continue
        numbers = (card.n_utterances, f"{card.speech_s:.0f}", f"{card.level_dbfs:.0f}")
        cells = (name, card.made_at[:10], card.model, *numbers)
        table.add_row(*(Text(printable(str(cell))) for cell in cells))
    plain_console().print(table)
    for message in bad:
        echo(f"ser-live: {message}", err=True)
