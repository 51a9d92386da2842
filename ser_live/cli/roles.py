"""Options that say who speaks on which channel, and to which level each is heard."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

import click

from ser_live.cli.options import Command

if TYPE_CHECKING:
    from ser_live.stream.roles import Roles


def roles_options(command: Command) -> Command:
    """Add ``--roles`` and ``--i-have-a-legal-ground``, one argument: `roles`."""

    @wraps(command)
    def with_roles(*, roles: str | None, i_have_a_legal_ground: bool, **values: object) -> None:
        command(roles=given_roles(roles, i_have_a_legal_ground, values.get("channel")), **values)

    return role_options(with_roles)


def role_options(command: Command) -> Command:
    """Add ``--roles`` and ``--i-have-a-legal-ground`` as they are typed."""
    command = click.option(
        "--i-have-a-legal-ground",
        is_flag=True,
        help="Analyze a role that is at work or at school all the same; the log says so.",
    )(command)
    return click.option(
        "--roles",
        default=None,
        metavar="SIDE=NAME[:LEVEL],...",
        help="Hear each channel by itself (left, right, or a number from 1) under a name, and to a "
        "level: analyze, activity (only who speaks when) or skip.",
    )(command)


def given_roles(text: str | None, has_legal_ground: bool, channel: object) -> Roles | None:
    """Roles that the options give; ``None`` without any.

    Raises
    ------
    UsageError
        They do not fit together.
    """
    from ser_live.errors import UsageError

    if text is None:
        if has_legal_ground:
            raise UsageError(
                "Found --i-have-a-legal-ground without --roles: say who speaks on which channel "
                "with --roles left=agent,right=customer."
            )
        return None
    if channel is not None:
        raise UsageError(
            "Found both --roles and --channel, but each says which channels are heard: leave one "
            "out."
        )
    from ser_live.stream.roles import parse_roles

    return parse_roles(text, has_legal_ground=has_legal_ground)
