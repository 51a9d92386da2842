"""The choice of the channels of a source that are heard, each as a stream of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ser_live.errors import UsageError
from ser_live.stream.roles import Role, Roles

Channels: TypeAlias = "Sequence[int] | Mapping[int, str] | Roles | None"
"""Channels counted from 0, or who speaks on each by its channel, or roles with levels; ``None``
for the mean of all."""


def roles_by_channel(channels: Channels) -> dict[int | None, str | None]:
    """Roles by chosen channel, in order; the key ``None`` is the mean of all channels.

    Raises
    ------
    UsageError
        None is chosen, it is not a list, or somebody is at work or at school by their name: these
        need `Roles`.
    """
    if channels is None:
        return {None: None}
    if isinstance(channels, Roles):
        return {channel: role.name for channel, role in channels.heard}
    if isinstance(channels, Mapping):
        if channels:  # Roles refuse to analyze whoever must not be
            Roles({channel: Role(name) for channel, name in channels.items()})
        roles: dict[int | None, str | None] = dict(channels.items())
    elif isinstance(channels, Sequence) and not isinstance(channels, str):
        roles = dict.fromkeys(channels)
    else:
        roles = {}
    if not roles:
        raise UsageError(
            f"channels is {channels!r}, but a list such as [0, 1], counted from 0, is needed: "
            "leave it out to hear the mean of all."
        )
    return roles
