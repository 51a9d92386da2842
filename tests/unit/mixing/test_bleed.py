"""Voices that leak into another channel, and channels that carry one sound."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from made_calls import AGENT, CUSTOMER, RATE, alternating, as_telephone, made_call

from ser_live.mixing import Bleed, Sameness


def share_of_leaks(bleed: Bleed, channel: int, spans: list[tuple[float, float]]) -> float:
    """Share of 30 ms frames within stretches that are taken for nothing but a leak."""
    frames = [t for start, end in spans for t in np.arange(start + 0.1, end - 0.1, 0.03)]
    return float(np.mean([bleed.is_leak(channel, t, t + 0.03) for t in frames]))


@pytest.mark.parametrize("leak_db", [-12.0, -20.0, -30.0])
def test_a_leak_is_measured_and_told_from_a_voice(leak_db: float) -> None:
    """Of the agent's time in the customer's channel nearly all is a leak, of their own little."""
    made = made_call(alternating(8), leak_db=leak_db)
    bleed = Bleed(RATE, 2)
    bleed.push(made.samples)
    found = bleed.measured_db(AGENT, CUSTOMER)
    assert found is not None
    assert abs(found - leak_db) < 1.5
    assert share_of_leaks(bleed, CUSTOMER, made.spans[AGENT]) > 0.97
    assert share_of_leaks(bleed, CUSTOMER, made.spans[CUSTOMER]) < 0.1
    assert share_of_leaks(bleed, AGENT, made.spans[AGENT]) < 0.1


def test_no_leak_is_told_where_there_is_none() -> None:
    """The noise of a line is no leak."""
    made = made_call(alternating(6), noise=3e-4)
    bleed = Bleed(RATE, 2)
    bleed.push(made.samples)
    assert bleed.measured_db(AGENT, CUSTOMER) is None


@pytest.mark.parametrize("size", [160, 4001])
def test_decisions_do_not_hang_on_the_blocks(size: int) -> None:
    """However the sound is cut, each moment is judged alike."""
    samples = made_call(alternating(3), leak_db=-20.0).samples[: 8 * RATE]
    whole, cut = Bleed(RATE, 2), Bleed(RATE, 2)
    whole.push(samples)
    for at in range(0, len(samples), size):
        cut.push(samples[at : at + size])
    times = np.arange(0.0, 7.9, 0.03)
    for channel in (AGENT, CUSTOMER):
        assert [whole.is_leak(channel, t, t + 0.03) for t in times] == [
            cut.is_leak(channel, t, t + 0.03) for t in times
        ]


def message(samples: np.ndarray) -> str:
    """Sentence about the sameness of two channels."""
    same = Sameness((0, 1))
    for at in range(0, len(samples), 4000):
        same.push(samples[at : at + 4000])
    return same.message("call.wav")


def test_copies_of_one_sound_are_found_also_turned_and_fainter() -> None:
    """Gain, polarity and coding do not hide that there is one sound."""
    voice = made_call(alternating(3)).samples.sum(axis=1)
    rng = np.random.default_rng(1)
    other = (0.7 * voice + 3e-4 * rng.standard_normal(len(voice))).astype(np.float32)
    assert "carry the same sound, but" in message(np.stack([voice, voice], axis=1))
    assert "carry the same sound, but" in message(np.stack([voice, other], axis=1))
    assert "opposite polarity" in message(np.stack([voice, -other], axis=1))
    coded, _ = as_telephone(voice[:, np.newaxis], "ULAW")
    plain = soxr.resample(voice, RATE, 8000)[: len(coded)]
    assert message(np.stack([coded[:, 0], plain], axis=1))


def test_sides_of_a_call_and_a_leak_alone_are_no_copies() -> None:
    """A strong leak, a silent side, a side that holds nothing but the leak of the other one."""
    made = made_call(alternating(4), leak_db=-12.0).samples
    assert message(made) == ""
    voice = made[:, 0]
    assert message(np.stack([voice, np.zeros_like(voice)], axis=1)) == ""
    assert message(np.stack([voice, np.float32(0.1) * voice], axis=1)) == ""
