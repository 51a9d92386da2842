"""Options of the bridges: which other programs are told, and the sinks that tell them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_live.cli.options import Command, taking
from ser_live.errors import UsageError

if TYPE_CHECKING:
    from ser_live.bridges.bridge import Bridge
    from ser_live.outputs.sink import Sink

ACT_ON = ("utterances", "changes")
"""Occasions for a command or a request, as `ser_live.bridges.occasions` has them."""

PACES = ("assistant", "game", "lighting")
"""Words of the paces of `EmotionState`, which is loaded only where it is used."""


@dataclass(frozen=True, kw_only=True)
class BridgeOptions:
    """Values of the options of the bridges; each that is given lets data leave the program."""

    osc: str | None = None
    osc_map: str | None = None
    lsl: bool = False
    lsl_name: str | None = None
    exec_: str | None = None
    webhook: str | None = None
    allow_remote: bool = False
    act_on: str = "utterances"
    mqtt: str | None = None
    mqtt_password_file: Path | None = None
    mqtt_ca: Path | None = None
    state_pace: str = "assistant"

    @property
    def tell_anybody(self) -> bool:
        """Whether any bridge was asked for."""
        others = (self.osc, self.exec_, self.webhook, self.mqtt)
        return self.lsl or any(other is not None for other in others)

    def sinks(self) -> list[Sink]:
        """Make the bridges that were asked for, each in a thread of its own, and say so.

        Raises
        ------
        UsageError
            An option does not fit.
        MissingExtraError
            A library is not installed.
        """
        self._check()
        bridges = list(self._bridges())
        if not bridges:
            return []
        from ser_live.bridges.bridge import BridgeThread
        from ser_live.cli.ending import say

        for bridge in bridges:  # also with --quiet: this is no news of progress
            say(f"ser-live: {bridge.warning}")
        return [BridgeThread(bridge) for bridge in bridges]

    def of_server(self, *, hears: bool) -> tuple[list[Sink], list[Sink]]:
        """Make the bridges of a server: those for every stream, and those for its microphone.

        Parameters
        ----------
        hears : bool
            Whether the server has a microphone of its own.

        Raises
        ------
        UsageError
            As for `sinks`, or one that needs a microphone has none.
        MissingExtraError
            A library is not installed.
        """
        self._check()
        if self.lsl and not hears:
            raise UsageError(
                "Found --lsl without --microphone, but its time stamps tell when sound was "
                "spoken, which is not known of what clients send: add --microphone."
            )
        every = replace(self, lsl=False, lsl_name=None)
        live = BridgeOptions(lsl=self.lsl, lsl_name=self.lsl_name, state_pace=self.state_pace)
        return every.sinks(), live.sinks()

    def check_speed(self, speed: float) -> None:
        """Refuse what makes no sense of a recording that is not played as fast as it was spoken.

        Raises
        ------
        UsageError
            Its sound would have no moment at which it was spoken.
        """
        if self.lsl and speed != 1.0:
            raise UsageError(
                f"Found --lsl with --speed {speed:g}, but its time stamps tell when sound was "
                "spoken: leave --speed out."
            )

    def _check(self) -> None:
        if self.osc is None and self.osc_map is not None:
            raise UsageError("Found --osc-map without --osc: say whom to tell with HOST:PORT.")
        if self.lsl_name is not None and not self.lsl:
            raise UsageError("Found --lsl-name without --lsl: add --lsl.")
        if self.allow_remote and self.webhook is None:
            raise UsageError("Found --allow-remote without --webhook: leave it out.")
        if self.mqtt is None and not (self.mqtt_password_file is None and self.mqtt_ca is None):
            raise UsageError(
                "Found --mqtt-password-file or --mqtt-ca without --mqtt: say which broker."
            )

    def _bridges(self) -> Iterator[Bridge]:
        if self.osc is not None:
            from ser_live.bridges.osc import OscBridge

            yield OscBridge(self.osc, self.osc_map or "plain", self.state_pace)
        if self.lsl:
            from ser_live.bridges.lsl import LslBridge

            yield LslBridge(self.lsl_name or "ser-live", self.state_pace)
        if self.exec_ is not None:
            from ser_live.bridges.command import CommandBridge

            yield CommandBridge(self.exec_, self.act_on, self.state_pace)
        if self.webhook is not None:
            from ser_live.bridges.webhook import WebhookBridge

            yield WebhookBridge(
                self.webhook,
                allow_remote=self.allow_remote,
                act_on=self.act_on,
                pace=self.state_pace,
            )
        if self.mqtt is not None:
            from ser_live.bridges.mqtt import MqttBridge

            yield MqttBridge(
                self.mqtt,
                password_file=self.mqtt_password_file,
                ca_file=self.mqtt_ca,
                pace=self.state_pace,
            )


def bridge_options(command: Command) -> Command:
    """Add the options of the bridges, which a command takes as `bridges`."""
    command = taking(BridgeOptions, command, "bridges")
    for option in reversed([*_state_options(), *_occasion_options(), *_broker_options()]):
        command = option(command)
    return command


def _state_options() -> list[Callable[[Command], Command]]:
    """Options of those that are told the running emotion."""
    return [
        click.option(
            "--osc",
            default=None,
            metavar="HOST:PORT",
            help="Tell a program that understands OSC, such as a game, an avatar or lights.",
        ),
        click.option(
            "--osc-map",
            default=None,
            metavar="plain|vrchat|vmc|FILE",
            help="Which OSC addresses get which values [plain].",
        ),
        click.option(
            "--lsl",
            is_flag=True,
            help="Offer a laboratory's recorder the running emotion and each utterance by Lab "
            "Streaming Layer, stamped with when it was spoken.",
        ),
        click.option(
            "--lsl-name",
            default=None,
            metavar="NAME",
            help="Name that the streams begin with [ser-live].",
        ),
        click.option(
            "--state-pace",
            type=click.Choice(PACES),
            default="assistant",
            show_default=True,
            help="How fast the running emotion that is told follows.",
        ),
    ]


def _occasion_options() -> list[Callable[[Command], Command]]:
    """Options of what is done for each occasion."""
    return [
        click.option(
            "--exec",
            "exec_",
            default=None,
            metavar="COMMAND",
            help="Start a command for each utterance that is named, once a second at most; "
            "{emotion} as an argument of its own is replaced.",
        ),
        click.option(
            "--webhook",
            default=None,
            metavar="URL",
            help="Post each utterance that is named to a web address of this machine, as JSON.",
        ),
        click.option(
            "--allow-remote",
            is_flag=True,
            help="Let the address of --webhook be another machine.",
        ),
        click.option(
            "--act-on",
            type=click.Choice(ACT_ON),
            default="utterances",
            show_default=True,
            help="Whether --exec and --webhook follow each utterance, or changes of the running "
            "emotion.",
        ),
    ]


def _broker_options() -> list[Callable[[Command], Command]]:
    """Options of the broker."""
    return [
        click.option(
            "--mqtt",
            default=None,
            metavar="URL",
            help="Publish to the broker at mqtt[s]://[USER@]HOST[:PORT]; Home Assistant finds the "
            "sensors by itself.",
        ),
        click.option(
            "--mqtt-password-file",
            type=click.Path(path_type=Path, dir_okay=False),
            default=None,
            metavar="FILE",
            help="File with the password of the user in its first line.",
        ),
        click.option(
            "--mqtt-ca",
            type=click.Path(path_type=Path, dir_okay=False),
            default=None,
            metavar="FILE",
            help="Certificates that the broker's is checked by.",
        ),
    ]
