"""Options of the bridges: which other programs are told, and the sinks that tell them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from ser_live.cli.options import Command, taking
from ser_live.errors import UsageError

if TYPE_CHECKING:
    from ser_live.bridges.bridge import Bridge
    from ser_live.outputs.sink import Sink

PACES = ("assistant", "game", "lighting")
"""Words of the paces of `EmotionState`, which is loaded only where it is used."""


@dataclass(frozen=True, kw_only=True)
class BridgeOptions:
    """Values of the options of the bridges; each that is given lets data leave the program."""

    osc: str | None = None
    osc_map: str | None = None
    state_pace: str = "assistant"

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

    def _check(self) -> None:
        if self.osc is None and self.osc_map is not None:
            raise UsageError("Found --osc-map without --osc: say whom to tell with HOST:PORT.")

    def _bridges(self) -> Iterator[Bridge]:
        if self.osc is not None:
            from ser_live.bridges.osc import OscBridge

            yield OscBridge(self.osc, self.osc_map or "plain", self.state_pace)


def bridge_options(command: Command) -> Command:
    """Add the options of the bridges, which a command takes as `bridges`."""
    command = taking(BridgeOptions, command, "bridges")
    options = [
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
            "--state-pace",
            type=click.Choice(PACES),
            default="assistant",
            show_default=True,
            help="How fast the running emotion that is told follows.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command
