"""Roles of channels: who speaks on each, and to which level that one is heard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ser_live.errors import UsageError
from ser_live.events import Hearing

WORKING_ROLES: Final = frozenset(["agent", "employee", "worker", "student"])
"""Names of roles whose emotions may not be inferred, as people at work or at school."""

SIDES: Final = {"left": 0, "right": 1}
"""Words for the first two channels."""

_SHAPE = "a list such as left=agent:activity,right=customer is needed"


@dataclass(frozen=True, slots=True)
class Role:
    """One who speaks: a name in the caller's words, and the level to which they are heard."""

    name: str
    level: Hearing = Hearing.ANALYZE

    @property
    def is_working(self) -> bool:
        """Whether the name says that this is somebody at work or at school."""
        return self.name.lower() in WORKING_ROLES


@dataclass(frozen=True, slots=True)
class Roles:
    """Roles by channel, counted from 0.

    Raises
    ------
    UsageError
        There is none, nobody is heard, two have one name, or emotions of somebody at work or at
        school are asked for without `has_legal_ground`.
    """

    by_channel: Mapping[int, Role]
    has_legal_ground: bool = False
    """Whether the caller claims a legal ground for analyzing somebody at work or at school."""

    def __post_init__(self) -> None:
        names = [role.name for role in self.by_channel.values()]
        if not any(role.level is not Hearing.SKIP for role in self.by_channel.values()):
            raise UsageError(
                "The roles skip every channel, but one that is heard is needed: give one the level "
                "analyze or activity."
            )
        if len(set(names)) < len(names):
            raise UsageError(
                f"The roles are {', '.join(names)}, but each needs a name of its own: call them "
                "customer1 and customer2, for instance."
            )
        for channel, role in self.by_channel.items():
            if role.is_working and role.level is Hearing.ANALYZE and not self.has_legal_ground:
                raise UsageError(
                    f"Channel {channel + 1} is to be analyzed as {role.name}, but inferring the "
                    "emotions of people at work or at school is forbidden in the EU (AI Act, "
                    f"Art. 5(1)(f)): write {role.name}:activity to learn only when they speak, "
                    "or add --i-have-a-legal-ground."
                )

    @property
    def heard(self) -> tuple[tuple[int, Role], ...]:
        """Channels that are heard with their roles, in their order."""
        return tuple(
            (channel, role)
            for channel, role in sorted(self.by_channel.items())
            if role.level is not Hearing.SKIP
        )

    @property
    def skipped(self) -> tuple[str, ...]:
        """Names of the roles that are not heard."""
        return tuple(r.name for _, r in sorted(self.by_channel.items()) if r.level is Hearing.SKIP)

    def unheard(self, n_channels: int) -> tuple[int, ...]:
        """Channels whose samples nothing looks at: the skipped ones, and those without a role.

        Raises
        ------
        UsageError
            A role is for a channel that is not there.
        """
        lacking = [channel for channel in self.by_channel if channel >= n_channels]
        if lacking:
            role = self.by_channel[lacking[0]].name
            if n_channels == 1:
                raise UsageError(
                    f"The roles name channel {lacking[0] + 1} ({role}), but the recording has one "
                    "channel, where those who speak cannot be told apart: name who speaks when "
                    "with `ser-live calls --speakers FILE.rttm`."
                )
            raise UsageError(
                f"The roles name channel {lacking[0] + 1} ({role}), but the recording has only "
                f"{n_channels} channels: correct --roles, or leave it out."
            )
        heard = {channel for channel, _ in self.heard}
        return tuple(channel for channel in range(n_channels) if channel not in heard)

    def __str__(self) -> str:
        return ",".join(
            f"{channel + 1}={role.name}:{role.level}"
            for channel, role in sorted(self.by_channel.items())
        )


def parse_roles(text: str, *, has_legal_ground: bool = False) -> Roles:
    """Roles from a text such as ``left=agent:activity,right=customer``; channels from 1.

    Raises
    ------
    UsageError
        The text has another shape, or as for `Roles`.
    """
    by_channel: dict[int, Role] = {}
    for place, role in parts_of(text):
        channel = SIDES.get(place.lower())
        if channel is None and place.isascii() and place.isdigit() and 1 <= int(place) <= 64:
            channel = int(place) - 1
        if channel is None:
            raise UsageError(
                f"The roles name the channel '{place}', but left, right or a number from 1 is "
                "needed: write left=agent:activity,right=customer."
            )
        if channel in by_channel:
            raise UsageError(
                f"The roles name channel {channel + 1} twice, but one role for each is needed: "
                "leave one out."
            )
        by_channel[channel] = role
    return Roles(by_channel, has_legal_ground)


def parts_of(text: str) -> Iterator[tuple[str, Role]]:
    """Places and roles in a text such as ``left=agent:activity,right=customer``.

    Raises
    ------
    UsageError
        The text has another shape, or a level is not known.
    """
    for part in text.split(","):
        place, is_given, role = part.strip().partition("=")
        name, has_level, level = role.strip().partition(":")
        if not is_given or not place or not name or not name.isprintable():
            raise UsageError(f"Found the roles '{text}', but {_SHAPE}: correct '{part.strip()}'.")
        levels = [known.value for known in Hearing]
        if has_level and level not in levels:
            raise UsageError(
                f"Found the level '{level}' for {name}, but {', '.join(levels)} are known: use one "
                "of them."
            )
        yield place.strip(), Role(name, Hearing(level) if has_level else Hearing.ANALYZE)
