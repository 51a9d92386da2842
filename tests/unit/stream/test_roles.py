"""Roles of channels: what may be written, and what is refused in one sentence."""

from __future__ import annotations

import pytest

from ser_live.errors import UsageError
from ser_live.events import Hearing
from ser_live.stream.roles import Role, Roles, parse_roles


def test_sides_numbers_and_levels_are_read() -> None:
    """Left is channel 1; without a level a role is analyzed."""
    by_words = parse_roles("left=agent:activity, right=customer")
    by_numbers = parse_roles("2=customer:analyze,1=agent:activity")
    assert dict(by_words.by_channel) == dict(by_numbers.by_channel)
    assert by_words.by_channel[1] == Role("customer", Hearing.ANALYZE)
    assert str(by_words) == str(by_numbers) == "1=agent:activity,2=customer:analyze"


def test_what_has_no_role_or_is_skipped_is_not_heard() -> None:
    """Neither a skipped channel nor one that nobody named."""
    roles = parse_roles("1=agent:skip,3=customer")
    assert roles.unheard(4) == (0, 1, 3)
    assert roles.heard == ((2, Role("customer")),)
    assert roles.skipped == ("agent",)


@pytest.mark.parametrize("name", ["agent", "Employee", "worker", "STUDENT"])
def test_nobody_at_work_or_school_is_analyzed_without_a_legal_ground(name: str) -> None:
    """The sentence offers the level that is allowed; a claimed ground is remembered."""
    with pytest.raises(UsageError, match=f"{name}:activity") as refusal:
        parse_roles(f"left={name}")
    assert "--i-have-a-legal-ground" in str(refusal.value)
    assert parse_roles(f"left={name}", has_legal_ground=True).has_legal_ground
    for level in ("activity", "skip"):
        parse_roles(f"left={name}:{level},right=customer")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "left=agent:activity"),
        ("left", "correct 'left'"),
        ("left=", "correct 'left='"),
        ("middle=customer", "'middle'"),
        ("0=customer", "'0'"),
        ("99=customer", "'99'"),
        ("٣=customer", "'٣'"),
        ("left=customer:loud", "'loud'"),
        ("left=customer,1=caller", "channel 1 twice"),
        ("left=customer,right=customer", "a name of its own"),
        ("left=agent:skip", "skip every channel"),
        ("left=cus\x1btomer", "correct"),
    ],
)
def test_other_texts_are_refused(text: str, said: str) -> None:
    """One sentence says what was found."""
    with pytest.raises(UsageError) as refusal:
        parse_roles(text)
    assert said in str(refusal.value)


def test_a_role_for_a_channel_that_is_not_there_is_refused() -> None:
    """Of a recording with one channel it is said that speakers cannot be told apart."""
    roles = Roles({0: Role("agent", Hearing.ACTIVITY), 2: Role("customer")})
    with pytest.raises(UsageError, match=r"channel 3 \(customer\).*only 2 channels"):
        roles.unheard(2)
    with pytest.raises(UsageError, match="cannot be told apart"):
        roles.unheard(1)
