"""Corruptions with known strength, and the suite made of them."""

from __future__ import annotations

import numpy as np
import pytest
from speechlike import SAMPLE_RATE, speechlike, tone, white

from ser_live.evaluation.robustness_suite import (
    PASS_MARKS,
    Corruption,
    noise_tests,
    room_tests,
    suite,
    synthetic_rooms,
)
from ser_live.synthesis import corruptions as c

SPEECH = (0.5 * speechlike(1.5)).astype(np.float32)
SINE = tone(1000.0, 1.0, 0.2).astype(np.float32)


def _power_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def _band_share(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    frequency = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    return float(power[(frequency >= low_hz) & (frequency < high_hz)].sum() / power.sum())


@pytest.mark.parametrize("snr_db", [45.0, 20.0, 10.0, 0.0])
def test_noise_lies_below_the_speech_by_what_is_asked(snr_db: float) -> None:
    """Measured on a steady tone, the ratio comes back for every kind of noise."""
    recorded = (white(3.0, seed=4).astype(np.float32), white(0.2, seed=5).astype(np.float32))
    for heard in (
        c.white_noise(SINE, "a", snr_db=snr_db),
        c.pink(SINE, "a", snr_db=snr_db),
        c.tone(SINE, "a", snr_db=snr_db),
        c.recorded_noise(SINE, "a", noises=recorded, kind="car", snr_db=snr_db),
        c.recorded_noise(SINE, "a", noises=recorded[1:], kind="car", snr_db=snr_db),
    ):
        added = heard.astype(np.float64) - SINE
        assert _power_db(SINE) - _power_db(added) == pytest.approx(snr_db, abs=0.1)


def test_recorded_noise_is_never_its_silence() -> None:
    """Zeros around a noise are dropped, so that something is always heard."""
    noise = np.concatenate([np.zeros(64000), white(0.3), np.zeros(64000)]).astype(np.float32)
    for identity in "abcdef":
        heard = c.recorded_noise(SINE, identity, noises=(noise,), kind="dog", snr_db=10.0)
        assert _power_db(SINE) - _power_db(heard - SINE) == pytest.approx(10.0, abs=0.1)


def test_a_room_delays_nothing_and_keeps_the_level() -> None:
    """A response with 30 ms before its direct sound leaves a click where it was."""
    response = np.concatenate([np.zeros(480), c.synthetic_room(0.4, 3.0, c.chance("r", "room"))])
    click = np.zeros(8000, dtype=np.float32)
    click[1000] = 0.5
    heard = c.room(click, "a", response=response)
    assert len(heard) == len(click)
    assert int(np.argmax(np.abs(heard))) == 1000
    assert np.abs(heard[:990]).max() < 1e-6
    assert np.abs(heard[1100:4000]).max() > 1e-3
    heard = c.room(SPEECH, "a", response=1e-3 * response)
    assert _power_db(heard) == pytest.approx(_power_db(SPEECH), abs=0.01)


def test_a_perfect_room_changes_nothing() -> None:
    """A lone click, late and inverted, gives the speech back but for its sign."""
    response = np.zeros(900)
    response[700] = -0.3
    assert c.room(SPEECH, "a", response=response) == pytest.approx(-SPEECH, abs=1e-6)


@pytest.mark.parametrize("apply", [c.telephone, c.mobile_telephone])
def test_a_telephone_passes_its_band_without_delay(apply: object) -> None:
    """White noise loses all but 300 to 3400 Hz; speech keeps its place within 1 ms."""
    assert callable(apply)
    noise = white(2.0, sigma=0.1).astype(np.float32)
    heard = apply(noise, "a")
    assert len(heard) == len(noise)
    assert _band_share(noise, 300, 3400) < 0.45
    assert _band_share(heard, 200, 3800) > 0.98
    assert _band_share(heard, 4100, 8000) < 1e-4
    narrow = c.low_pass(c.high_pass(SPEECH, "a", cutoff_hz=300), "a", cutoff_hz=3400)
    correlation = np.correlate(apply(SPEECH, "a"), narrow, "full")
    assert abs(int(np.argmax(correlation)) - len(SPEECH) + 1) <= 16


def test_mu_law_is_eight_bits() -> None:
    """A tone in the band comes back with 38 dB of signal to rounding, loud or quiet."""
    for amplitude in (0.5, 0.05):
        sine = tone(1013.0, 1.0, amplitude).astype(np.float32)
        heard = c.telephone(sine, "a")[4000:12000].astype(np.float64)
        time = np.arange(4000, 12000) / SAMPLE_RATE
        basis = np.column_stack([np.sin(2026 * np.pi * time), np.cos(2026 * np.pi * time)])
        fit = basis @ np.linalg.lstsq(basis, heard, rcond=None)[0]
        assert 33 < _power_db(fit) - _power_db(heard - fit) < 46
        assert _power_db(fit) == pytest.approx(_power_db(sine), abs=0.3)
    silence = np.zeros(1600, dtype=np.float32)
    assert not c.telephone(silence, "a").any()


def test_gain_is_in_decibels_and_stops_at_full_scale() -> None:
    """Ten times the amplitude is 20 dB; beyond 1 everything is cut."""
    assert _power_db(c.gain(SINE, "a", gain_db=-20)) - _power_db(SINE) == pytest.approx(-20.0)
    assert np.abs(c.gain(SINE, "a", gain_db=40)).max() == 1.0


@pytest.mark.parametrize("share", [0.001, 0.05, 0.2])
def test_the_share_asked_for_is_clipped(share: float) -> None:
    """That many samples stand at the top, and the others are untouched."""
    heard = c.clipping(SPEECH, "a", share=share)
    top = np.abs(heard).max()
    assert np.mean(np.abs(heard) == top) == pytest.approx(share, abs=2 / len(SPEECH))
    below = np.abs(SPEECH) < top
    assert np.array_equal(heard[below], SPEECH[below])


def test_edges_move_by_milliseconds() -> None:
    """Zeros, cuts and mirrored beginnings have the length asked for; the rest is untouched."""
    front = c.zeros_in_front(SPEECH, "a", duration_s=0.0625)
    assert not front[:1000].any()
    assert np.array_equal(front[1000:], SPEECH)
    assert np.array_equal(c.zeros_behind(SPEECH, "a", duration_s=0.0625), np.roll(front, -1000))
    assert np.array_equal(c.start_shift(SPEECH, "a", shift_s=0.1), SPEECH[1600:])
    assert np.array_equal(c.end_shift(SPEECH, "a", shift_s=0.1), SPEECH[:-1600])
    earlier = c.start_shift(SPEECH, "a", shift_s=-0.1)
    assert np.array_equal(earlier[1600:], SPEECH)
    assert np.array_equal(earlier[:1600], SPEECH[1600:0:-1])
    later = c.end_shift(SPEECH, "a", shift_s=-0.1)
    assert np.array_equal(later[:-1600], SPEECH)
    assert len(later) == len(SPEECH) + 1600


def test_filters_fall_as_their_formula_says() -> None:
    """A digital Butterworth filter of order 4 loses ``1 + (tan / tan)^8`` at any frequency."""

    def expected_db(frequency_hz: float, cutoff_hz: float) -> float:
        ratio = np.tan(np.pi * frequency_hz / 16000) / np.tan(np.pi * cutoff_hz / 16000)
        return float(10 * np.log10(1 + ratio**8))

    for frequency_hz in (500.0, 2000.0, 4000.0):
        sine = tone(frequency_hz, 1.0, 0.3).astype(np.float32)
        lost = _power_db(sine[2000:]) - _power_db(c.low_pass(sine, "a", cutoff_hz=2000.0)[2000:])
        assert lost == pytest.approx(expected_db(frequency_hz, 2000.0), abs=0.1)
    sine = tone(100.0, 1.0, 0.3).astype(np.float32)
    lost = _power_db(sine[4000:]) - _power_db(c.high_pass(sine, "a", cutoff_hz=200.0)[4000:])
    assert lost == pytest.approx(24.1, abs=0.2)


def test_a_microphone_colours_within_its_spread() -> None:
    """Every octave of white noise changes by at most twice the spread, the level not at all."""
    noise = white(4.0, sigma=0.05).astype(np.float32)
    heard = c.microphone_colour(noise, "a", spread_db=6.0)
    assert _power_db(heard) == pytest.approx(_power_db(noise), abs=0.01)
    changes = [
        10 * np.log10(_band_share(heard, low, 2 * low) / _band_share(noise, low, 2 * low))
        for low in (125, 250, 500, 1000, 2000, 4000)
    ]
    assert max(np.abs(changes)) <= 12.0
    assert np.ptp(changes) > 1.0
    flat = c.microphone_colour(noise, "a", spread_db=0.0)
    assert flat == pytest.approx(noise, abs=1e-6)


@pytest.fixture(scope="module")
def tests() -> list[Corruption]:
    """The suite with one recorded noise and two halls."""
    rng = np.random.default_rng(3)
    halls = {name: c.synthetic_room(2.0, 0.0, rng) for name in ("hall a", "hall b")}
    return suite({"car": (white(3.0).astype(np.float32),)}, halls)


def test_every_corruption_repeats_itself_and_spares_its_argument(tests: list[Corruption]) -> None:
    """Equal identities give equal, finite float32 in [-1, 1], different from the speech."""
    before = SPEECH.copy()
    for test in tests:
        once, again = test.apply(SPEECH, "a"), test.apply(SPEECH, "a")
        assert np.array_equal(once, again), test.name
        assert once.dtype == np.float32, test.name
        assert np.isfinite(once).all(), test.name
        assert np.abs(once).max() <= 1.0, test.name
        assert not np.array_equal(once, SPEECH), test.name
        assert abs(len(once) - len(SPEECH)) <= 3200, test.name
    assert np.array_equal(SPEECH, before)


def test_identities_draw_different_noise(tests: list[Corruption]) -> None:
    """Noise of one recording is not that of another."""
    for test in tests:
        if test.group.startswith("noise"):
            assert not np.array_equal(test.apply(SPEECH, "a"), test.apply(SPEECH, "b")), test.name


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros(4000, np.float32)])
def test_silence_and_nothing_pass_through(samples: np.ndarray, tests: list[Corruption]) -> None:
    """No corruption fails on digital silence or on no samples at all, nor invents NaN."""
    for test in tests:
        heard = test.apply(samples, "a")
        assert heard.dtype == np.float32, test.name
        assert np.isfinite(heard).all(), test.name


def test_the_suite_has_a_name_a_group_and_a_mark_for_each() -> None:
    """Names are unique, every group occurs but halls, and the marks are those documented."""
    names = [test.name for test in suite()]
    assert len(set(names)) == len(names)
    assert {test.group for test in suite()} == set(PASS_MARKS) - {"hall"}
    marks = {test.group: test.pass_mark for test in suite() if test.pass_mark is not None}
    assert marks == {"small": 0.95, "noise 20 dB": 0.90, "room": 0.80, "telephone": 0.70}


def test_rooms_are_compared_with_none_and_with_each_other() -> None:
    """Two rooms make three tests; a hall is never compared with a room."""
    plain = room_tests(synthetic_rooms())
    assert [(test.name, test.group) for test in plain] == [
        ("in study", "room"),
        ("in classroom", "room"),
        ("in classroom, not study", "room"),
    ]
    assert plain[0].reference is None
    reference = plain[2].reference
    assert reference is not None
    assert np.array_equal(reference(SPEECH, "a"), plain[0].apply(SPEECH, "a"))
    hall = {"hall": c.synthetic_room(2.0, 0.0, np.random.default_rng(0))}
    assert [t.name for t in room_tests({**synthetic_rooms(), **hall}) if t.group == "hall"] == [
        "in hall"
    ]


def test_recorded_noises_join_at_every_ratio() -> None:
    """Each kind comes at 20, 10 and 0 dB."""
    tests = noise_tests({"car": (white(1.0).astype(np.float32),)})
    assert [test.name for test in tests if "car" in test.name] == [
        "car noise 20 dB",
        "car noise 10 dB",
        "car noise 0 dB",
    ]
