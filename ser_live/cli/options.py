"""Options that several commands share, and what they become."""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from functools import wraps
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import click

from ser_live.cli.completing import devices, models, priors, speakers
from ser_live.config import RejectSettings, SegmenterSettings, Settings, VadSettings
from ser_live.terminal.printing import echo, echo_lines

if TYPE_CHECKING:
    from ser_live.speaker.profile import SpeakerProfile

Command: TypeAlias = Callable[..., None]
"""A function that click calls with the values of its options by name."""

SETTING_GROUPS = {"vad": VadSettings, "segmenter": SegmenterSettings, "reject": RejectSettings}

SETTINGS_HEADING = {
    "vad": "Which 30 ms frames count as speech",
    "segmenter": "How frames are joined into utterances",
    "reject": "When a state is reported instead of an emotion",
}


def describe_settings(cls: type) -> list[tuple[str, str, object]]:
    """Name, description and default of each setting, read from the class itself.

    The description is the string below the field, so that it is written once.
    """
    module = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    body = next(node.body for node in module.body if isinstance(node, ast.ClassDef))
    defaults = {f.name: f.default for f in fields(cls)}
    return [
        (field.target.id, " ".join(text.value.value.split()), defaults[field.target.id])
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    ]


def _option_name(group: str, name: str) -> str:
    return f"--{group}-{name.replace('_', '-')}"


def setting_rows() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Heading, and option and text of each setting below it."""
    for group, cls in SETTING_GROUPS.items():
        yield (
            SETTINGS_HEADING[group],
            [
                (_option_name(group, name), f"{text} [default: {default}]")
                for name, text, default in describe_settings(cls)
            ],
        )


def _show_settings(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    """Print every setting with its default and what it does, then leave."""
    if not value or ctx.resilient_parsing:
        return
    formatter = ctx.make_formatter()
    for heading, rows in setting_rows():
        with formatter.section(heading):
            formatter.write_dl(rows)
    echo_lines(formatter.getvalue().rstrip())
    ctx.exit()


def taking(cls: type, command: Command, name: str = "options") -> Command:
    """Let a command take the values that the dataclass `cls` is made of as one."""
    names = [f.name for f in fields(cls)]

    @wraps(command)
    def with_options(**values: object) -> None:
        values[name] = cls(**{field: values.pop(field) for field in names})
        command(**values)

    return with_options


def settings_options(command: Command) -> Command:
    """Add one option per setting (listed by ``--help-settings``) and ``--help-settings``.

    The command takes them all as one argument, `settings`, with ``--adapt``, ``--prior`` and the
    presets where it has these.
    """
    command = _with_settings(command)
    for group, cls in reversed(SETTING_GROUPS.items()):
        for f in reversed(fields(cls)):
            command = click.option(
                _option_name(group, f.name),
                f"{group}__{f.name}",
                # A default of None leaves a number to the model.
                type=float if f.default is None else type(f.default),
                default=None,
                hidden=True,
            )(command)
    return click.option(
        "--help-settings",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_settings,
        help="Show the options for voice activity, segmentation and rejection.",
    )(command)


def _with_settings(command: Command) -> Command:
    @wraps(command)
    def with_settings(**values: object) -> None:
        adapt = bool(values.pop("adapt", Settings().adapt))
        prior = str(values.pop("prior", Settings().prior))
        presets = _preset_values(values)
        changed = {
            group: {
                f.name: presets.get(group, {}).get(f.name) if given is None else given
                for f in fields(cls)
                for given in [values.pop(f"{group}__{f.name}")]
            }
            for group, cls in SETTING_GROUPS.items()
        }
        command(settings=_settings(Settings(adapt=adapt, prior=prior), changed), **values)

    return with_settings


def _preset_values(values: dict[str, object]) -> Mapping[str, Mapping[str, float]]:
    """Values of the presets among those of options, which lose them."""
    from ser_live.cli.presets import PRESETS, values_of

    return values_of(**{name: str(values.pop(name)) for name in PRESETS if name in values})


def _settings(settings: Settings, changed: Mapping[str, Mapping[str, object]]) -> Settings:
    """Settings with the values that are not ``None`` put in."""
    for group, values in changed.items():
        given = {name: value for name, value in values.items() if value is not None}
        settings = replace(settings, **{group: replace(getattr(settings, group), **given)})
    # Late: the detector's imports would slow down --help.
    from ser_live.speech.detector import missing_confirmation

    if note := missing_confirmation(settings.vad):
        echo(f"ser-live: {note}", err=True)
    return settings


def model_option(command: Command) -> Command:
    """Add ``--model``."""
    return click.option(
        "--model",
        default=None,
        metavar="NAME|DIR",
        shell_complete=models,
        help="Bundled model by name, or a folder made by `ser-live train`.",
    )(command)


def prior_option(command: Command) -> Command:
    """Add ``--prior``."""
    return click.option(
        "--prior",
        default=Settings().prior,
        show_default=True,
        shell_complete=priors,
        metavar="everyday|balanced|SHARES",
        help="How often each label is expected: mostly plain talk, all alike, or shares of your "
        "own such as neutral=0.6,happy=0.1.",
    )(command)


def speaker_options(command: Command) -> Command:
    """Add ``--speaker`` and ``--adapt/--no-adapt``."""
    command = click.option(
        "--adapt/--no-adapt",
        default=Settings().adapt,
        show_default=True,
        help="Judge against what was heard of the speaker so far in the session.",
    )(command)
    return click.option(
        "--speaker",
        default=None,
        metavar="NAME",
        shell_complete=speakers,
        help="Begin with the voice enrolled as NAME (see `ser-live enroll`).",
    )(command)


def load_speaker(name: str | None) -> SpeakerProfile | None:
    """The profile that ``--speaker`` names."""
    if name is None:
        return None
    from ser_live.speaker.profile import load_profile

    return load_profile(name)


def device_option(command: Command) -> Command:
    """Add ``--device``."""
    return click.option(
        "-d",
        "--device",
        metavar="DEVICE",
        shell_complete=devices,
        help="Index or any part of a device's name.",
    )(command)


def device_wait_option(command: Command) -> Command:
    """Add ``--device-wait``."""
    return click.option(
        "--device-wait",
        type=click.FloatRange(min=0),
        default=math.inf,
        metavar="SECONDS",
        help="Give up when a lost microphone is not back after this long; 0 ends at once. "
        "Without it, it is looked for until Ctrl-C.",
    )(command)


def _from_zero(_ctx: click.Context, _param: click.Parameter, value: int | None) -> int | None:
    """People count channels from 1, the program from 0."""
    return None if value is None else value - 1


def channel_option(command: Command) -> Command:
    """Add ``--channel``."""
    return click.option(
        "--channel",
        type=click.IntRange(min=1),
        default=None,
        callback=_from_zero,
        metavar="N",
        help="Analyze only channel N (from 1); without it those in use are averaged.",
    )(command)


def track_option(command: Command) -> Command:
    """Add ``--track``."""
    return click.option(
        "--track",
        type=click.IntRange(min=1),
        default=None,
        metavar="N",
        help="Hear audio track N (from 1) of a media file; without it the default one, or the one "
        "with the loudest speech where none or several are marked.",
    )(command)


def jobs_option(command: Command) -> Command:
    """Add ``--jobs``."""
    return click.option(
        "-j",
        "--jobs",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Processes that work side by side.",
    )(command)
