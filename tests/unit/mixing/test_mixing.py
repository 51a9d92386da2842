"""Which channels are heard, whatever the blocks, and where the mean must stay the mean."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest
from channel_signals import RATE, hum, syllables, talk
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ser_live.mixing import Finding, Mixer
from ser_live.mixing.measures import Measures

Signal = NDArray[np.float32]


def mixed(signal: Signal, sizes: list[int], rate: int = RATE) -> tuple[Signal, list[Finding]]:
    mixer = Mixer(rate, signal.shape[1])
    parts, at = [], 0
    for size in itertools.cycle(sizes):
        if at >= len(signal):
            break
        parts.append(mixer.push(signal[at : at + size]))
        at += size
    return np.concatenate([*parts, mixer.flush()]), mixer.take_findings()


def mix(signal: Signal, rate: int = RATE) -> Signal:
    return mixed(signal, [len(signal)], rate)[0]


def mean(signal: Signal) -> Signal:
    total = signal[:, 0].astype(np.float64)
    for channel in range(1, signal.shape[1]):
        total += signal[:, channel]
    return (total / signal.shape[1]).astype(np.float32)


def channels(*signals: Signal) -> Signal:
    return np.stack(signals, axis=1).astype(np.float32)


def noise(n: int, gain: float, seed: int = 9) -> Signal:
    return (gain * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


@cache
def situations(rate: int, duration_s: float) -> dict[str, Signal]:
    """Each changes the choice of channels, most of them more than once."""
    voice, other = syllables(duration_s, rate), syllables(duration_s, rate, seed=1)
    third = len(voice) // 3
    nothing = np.zeros_like(voice)
    first = np.arange(len(voice)) < third
    last = np.arange(len(voice)) >= 2 * third
    return {
        "opposite": channels(voice, -0.9 * voice),
        "opposite for a while": channels(voice, np.where(first | last, voice, -voice)),
        "second comes late": channels(voice, np.where(last, other, 0)),
        "one of five": channels(nothing, nothing, voice, nothing, noise(len(voice), 1e-4)),
        "all of three, later": channels(np.where(first, voice, other), other, nothing + 0.5),
        "hum": channels(voice, hum(duration_s, rate)),
        "turns": channels(np.where(first, voice, 0), np.where(first, 0, other)),
    }


@settings(max_examples=20, deadline=None)
@given(
    name=st.sampled_from(sorted(situations(8_000, 0.1))),
    rate=st.sampled_from([8_000, 16_000, 44_100]),
    sizes=st.lists(st.integers(1, 20_000), min_size=1, max_size=6),
    seed=st.integers(0, 3),
)
def test_blocks_do_not_matter(name: str, rate: int, sizes: list[int], seed: int) -> None:
    """The mix, and every finding at its place, are the same however the stream was cut."""
    signal = situations(rate, 9.0)[name] + (noise(1, 1e-3, seed) if seed else np.float32(0))
    sizes = [max(sizes[0], 2000), *sizes[1:]]  # tiny blocks alone would take minutes
    whole, found = mixed(signal, [len(signal)], rate)
    again, found_again = mixed(signal, sizes, rate)
    assert len(whole) == len(signal)
    np.testing.assert_array_equal(again, whole)
    assert found_again == found


@pytest.mark.parametrize("name", sorted(situations(8_000, 0.1)))
def test_situations_change_the_choice(name: str) -> None:
    """The situations that blocks are tried with do differ from the plain mean."""
    signal = situations(RATE, 9.0)[name]
    assert (mix(signal) != mean(signal)).any()


def ordinary() -> dict[str, Signal]:
    voice, other = syllables(9.0, RATE), syllables(9.0, RATE, seed=1)
    room = noise(len(voice), 1e-3, 1)
    return {
        "the same twice": channels(talk(), talk()),
        "panned": channels(voice + room, 0.1 * voice + noise(len(voice), 1e-3, 2)),
        "spaced microphones": channels(voice, np.roll(voice, 10)),
        "a comb": channels(voice, np.roll(voice, 160)),
        "noise on one side": channels(voice, room),
        "a call": channels(talk(), np.roll(talk(), len(talk()) // 2)),
        "second a moment later": channels(voice, np.roll(voice, 700)),
        "hum in both": channels(voice + hum(9.0, RATE), other + hum(9.0, RATE)),
        "rumble in both": channels(
            voice + hum(9.0, RATE, 0.1), np.roll(voice, 700) + hum(9.0, RATE, 0.1)
        ),
        "opposite noise, common voice": channels(voice + room, voice - room),
        "faint and opposite": channels(1e-4 * voice, -1e-4 * voice),
        "partly opposite": channels(voice, -0.3 * voice),
        "five voices": channels(*(syllables(9.0, RATE, seed=s) for s in range(5))),
        "nothing": np.zeros((9 * RATE, 4), np.float32),
    }


@pytest.mark.parametrize("name", sorted(ordinary()))
def test_ordinary_channels_give_their_mean(name: str) -> None:
    """Where every channel may hold a voice, the mix is the plain mean, to the last bit."""
    signal = ordinary()[name]
    np.testing.assert_array_equal(mix(signal), mean(signal))


@settings(max_examples=15, deadline=None)
@given(size=st.integers(20, 4000), rate=st.sampled_from([8_000, 16_000, 48_000]))
def test_ordinary_stereo_is_not_delayed(size: int, rate: int) -> None:
    """Of the same voice in both channels every block is given out at once."""
    voice = syllables(2.0, rate)
    mixer = Mixer(rate, 2)
    for at in range(0, len(voice), size):
        block = channels(voice, 0.8 * voice)[at : at + size]
        assert len(mixer.push(block)) == len(block)


@pytest.mark.parametrize("gain", [-1.0, -0.9, -0.6])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 96_000])
def test_cancelling_channels_give_the_louder_one(gain: float, rate: int) -> None:
    """Opposite polarity is told once, and the louder channel is heard from its first word on."""
    voice = syllables(6.0, rate)
    signal = channels(gain * voice, voice)
    heard, found = mixed(signal, [1234], rate)
    wanted = voice if gain > -1 else -voice  # as loud as each other: the first
    np.testing.assert_array_equal(heard[2 * rate :], wanted[2 * rate :])
    onset = int(0.6 * rate)
    assert np.mean(heard[:onset] ** 2) > 0.5 * np.mean(voice[:onset] ** 2)
    assert len(found) == 1
    assert "--channel" in found[0].message
    assert f"channel {2 if gain > -1 else 1}, the louder one" in found[0].message


def test_noise_does_not_hide_that_channels_cancel() -> None:
    """Noise of their own, 20 dB below the voice, keeps nobody from noticing opposite polarity."""
    voice = syllables(6.0, RATE)
    n = len(voice)
    signal = channels(voice + noise(n, 0.004, 1), -voice + noise(n, 0.004, 2))
    np.testing.assert_array_equal(mix(signal)[2 * RATE :], signal[2 * RATE :, 0])


def test_cancelling_pairs_among_many_channels() -> None:
    """A voice with opposite signs in two of six channels is heard."""
    voice = syllables(6.0, RATE)
    nothing = np.zeros_like(voice)
    heard = mix(channels(voice, -voice, nothing, nothing, nothing, nothing))
    np.testing.assert_array_equal(heard[2 * RATE :], voice[2 * RATE :])


def test_back_to_the_mean() -> None:
    """A cable that is mended is noticed after seconds of speech: the mean is heard again."""
    voice = syllables(24.0, RATE)
    is_broken = np.arange(len(voice)) < 6 * RATE
    signal = channels(voice, np.where(is_broken, -voice, 0.5 * voice))
    heard = mix(signal)
    np.testing.assert_array_equal(heard[3 * RATE : 6 * RATE], voice[3 * RATE : 6 * RATE])
    np.testing.assert_array_equal(heard[-3 * RATE :], mean(signal)[-3 * RATE :])


def test_changes_do_not_click() -> None:
    """From one choice to the next the mix goes in small steps."""
    t = np.arange(8 * RATE) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 100 * t)).astype(np.float32)
    voice = syllables(8.0, RATE, gain=0.02)
    is_late = t > 4.03
    signal = channels(voice + tone, np.where(is_late, voice, 0))
    heard = mix(signal) - mix(channels(voice, np.where(is_late, voice, 0)))
    # The tone's own steepest step is 0.02; a switch at its crest would step by 0.25.
    assert np.abs(np.diff(heard)).max() < 0.03


@pytest.mark.parametrize("n_channels", [2, 3, 6, 8, 32, 64])
def test_one_channel_in_use_is_heard_whole(n_channels: int) -> None:
    """The one channel that holds something is not diluted by those that hold nothing."""
    voice = syllables(4.0, RATE)
    signal = np.zeros((len(voice), n_channels), np.float32)
    signal[:, n_channels // 2] = voice
    heard = mix(signal)
    np.testing.assert_array_equal(heard[2 * RATE :], voice[2 * RATE :])
    assert np.mean(heard[:RATE] ** 2) > 0.9 * np.mean(voice[:RATE] ** 2)


def test_channels_with_noise_alone_do_not_count_among_many() -> None:
    """Of 32 inputs that are open, 31 with noise, the one where somebody talks is heard."""
    voice = syllables(4.0, RATE)
    signal = np.stack([noise(len(voice), 1e-3, seed) for seed in range(32)], axis=1)
    signal[:, 20] += voice
    np.testing.assert_array_equal(mix(signal)[2 * RATE :], signal[2 * RATE :, 20])


def test_a_channel_that_begins_later_loses_nothing() -> None:
    """A second talker comes in with their first sample, not only once they were noticed."""
    voice, other = syllables(8.0, RATE), syllables(8.0, RATE, seed=1)
    begin = 5 * RATE + 123
    other[:begin] = 0
    signal = channels(voice, other, np.zeros_like(voice))
    heard = mix(signal)
    start = begin - begin % 320 + 160  # the crossfade lies in the window's first half
    np.testing.assert_array_equal(heard[3 * RATE : 4 * RATE], voice[3 * RATE : 4 * RATE])
    both = mean(signal[:, :2])
    np.testing.assert_allclose(heard[start + 640 :], both[start + 640 :], atol=0)


def test_hum_alone_in_one_of_two_channels_is_left_out() -> None:
    """A cable that brings nothing but hum does not lower the voice of the other channel."""
    heard = mix(channels(talk(), hum(9.0, RATE)))
    np.testing.assert_array_equal(heard[RATE // 2 :], talk()[RATE // 2 :])


def test_talkers_of_their_own_are_told_once() -> None:
    """Of a call with a talker in each channel people are told, with the names of both options."""
    _, found = mixed(ordinary()["a call"], [4000])
    assert [f.message.count("--channel") for f in found] == [2]
    assert "channels 1 and 2 carry different talkers" in found[0].message
    assert mixed(ordinary()["the same twice"], [4000])[1] == []


def test_what_is_known_outlives_a_gap() -> None:
    """After a gap channels that cancel are still known, and not told again."""
    voice = syllables(4.0, RATE)
    mixer = Mixer(RATE, 2)
    before = np.concatenate([mixer.push(channels(voice, -voice)), mixer.flush()])
    after = np.concatenate([mixer.push(channels(voice, -voice)), mixer.flush()])
    assert len(before) == len(after) == len(voice)
    np.testing.assert_array_equal(after, voice)
    assert len(mixer.take_findings()) == 1


def test_powers_of_a_tone() -> None:
    """A tone of 1 kHz has its own power in both measures, hum 66 dB less where voices are."""
    t = np.arange(RATE) / RATE
    tone = np.sin(2 * np.pi * 1000 * t).astype(np.float32)
    window = Measures(RATE, 2).push(channels(tone, hum(1.0, RATE, 1.0)))[20]
    assert window.band[0] == pytest.approx(0.5, rel=0.1)
    assert 10 * np.log10(window.band[1] / window.broad[1]) < -60
