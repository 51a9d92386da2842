"""The rule for shouts on frames whose answer is known."""

from __future__ import annotations

from ser_live.speech.shouting import Shouting


def hear(
    n_frames: int, *, loud: bool = True, voiced_every: int = 2, doubt_at: int = 5
) -> list[bool]:
    shouting = Shouting()
    return [
        shouting.update(
            is_loud=loud,
            is_voiced=i % voiced_every == 0,
            probability=0.2 if i == doubt_at else 0.01,
        )
        for i in range(n_frames)
    ]


def test_a_second_of_loud_voiced_sound_with_a_doubt_is_a_shout() -> None:
    """It is one after three quarters of a second, and until the doubt is two seconds old."""
    heard = hear(120)
    assert heard.index(True) == 24
    assert heard[24:71] == [True] * 47
    assert not any(heard[72:])


def test_without_a_doubt_it_is_a_machine() -> None:
    """What the network never thought possible is no shout."""
    assert not any(hear(120, doubt_at=-1))


def test_quiet_or_unvoiced_sound_is_no_shout() -> None:
    """Loudness and voice are both needed."""
    assert not any(hear(120, loud=False))
    assert not any(hear(120, voiced_every=4))


def test_a_bark_is_too_short() -> None:
    """Half a second of loud sound is no shout, nor the quiet after it."""
    shouting = Shouting()
    barks = [i < 17 for i in range(100)]
    assert not any(shouting.update(is_loud=loud, is_voiced=loud, probability=0.3) for loud in barks)
