"""The speech detector on sounds whose answer is known, and on real ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from voices import noise, sine, train, vowel

from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ, VadSettings
from ser_live.errors import InvalidAudioError
from ser_live.evaluation.segmentation import segment
from ser_live.sources import read_recording
from ser_live.speech import voicing
from ser_live.speech.detector import NoiseFloor, VadDecision, VadReason, VoiceActivityDetector

DEMO = Path(__file__).parents[3] / "ser_live" / "demo.ogg"


def periodicity(samples: np.ndarray) -> float:
    """Periodicity of one piece of 60 ms."""
    return float(voicing.periodicity(samples[np.newaxis])[0])


def low_shares(samples: np.ndarray) -> tuple[float, float]:
    """Low shares of one piece of 60 ms."""
    below_1_khz, below_2_khz = voicing.low_shares(samples[np.newaxis])
    return float(below_1_khz[0]), float(below_2_khz[0])


def burstiness(frame: np.ndarray) -> float:
    """Burstiness of one frame."""
    return float(voicing.burstiness(frame[np.newaxis])[0])


def frames(samples: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        yield samples[start : start + FRAME_SAMPLES].astype(np.float32)


def decide(samples: np.ndarray) -> list[VadDecision]:
    detector = VoiceActivityDetector()
    return [detector.process(frame) for frame in frames(samples)]


def middle_of(samples: np.ndarray) -> np.ndarray:
    """60 ms from the middle."""
    start = len(samples) // 2 - FRAME_SAMPLES
    return samples[start : start + 2 * FRAME_SAMPLES].astype(np.float64)


def test_digital_silence_is_too_quiet() -> None:
    """Zeros are no speech, their level is -inf and their floor the lowest that is tracked."""
    last = decide(np.zeros(SAMPLE_RATE_HZ))[-1]
    assert (last.is_speech, last.is_voiced, last.reason) == (False, False, VadReason.TOO_QUIET)
    assert last.level_dbfs == -math.inf
    assert last.noise_dbfs == pytest.approx(NoiseFloor.LOWEST_DBFS + NoiseFloor.BIAS_DB)


def test_level_of_a_full_scale_sine() -> None:
    """A full-scale sine has -3.01 dBFS, whatever constant offset lies under it."""
    wave = sine(200, 1.0, amplitude=0.5)
    assert decide(wave)[5].level_dbfs == pytest.approx(-3.01 - 6.02, abs=0.01)
    assert decide(wave + np.float32(0.25))[5].level_dbfs == pytest.approx(-9.03, abs=0.01)


def test_steady_noise_is_near_the_floor_once_it_is_known() -> None:
    """White noise is no speech from half a second on, and the floor is its level."""
    heard = decide(noise(4.0, rms=0.01))
    assert not any(d.is_speech for d in heard[20:])
    assert not any(d.is_voiced for d in heard)
    assert heard[-1].noise_dbfs == pytest.approx(-40.0, abs=1.5)


def test_floor_is_unknown_for_half_a_second() -> None:
    """Before half a second was heard the floor is NaN, from then on it is a number."""
    floors = [d.noise_dbfs for d in decide(noise(1.0))]
    n_known = round(0.5 / 0.03)
    assert all(math.isnan(f) for f in floors[: n_known - 1])
    assert not any(math.isnan(f) for f in floors[n_known - 1 :])


def test_floor_falls_at_once_and_rises_within_its_window() -> None:
    """A step down is followed within 0.1 s, a step up when the window of 3 s has passed."""
    floor = NoiseFloor(3.0)
    for _ in range(100):
        floor.update(-40.0)
    assert [floor.update(-60.0) for _ in range(4)][-1] == pytest.approx(-58.5, abs=0.1)
    values = [floor.update(-30.0) for _ in range(120)]
    assert values[95] < -50
    assert values[-1] == pytest.approx(-28.5, abs=0.1)


def test_one_loud_moment_does_not_move_the_floor() -> None:
    """Speech louder than the noise leaves the floor where it was."""
    floor = NoiseFloor(3.0)
    for index in range(60):
        value = floor.update(-20.0 if index % 20 > 8 else -55.0)
    assert value == pytest.approx(-53.5, abs=0.1)


@pytest.mark.parametrize("f0_hz", [80, 120, 220, 330, 440])
def test_vowels_are_periodic_and_low(f0_hz: float) -> None:
    """A vowel at the pitch of a voice repeats itself and lies below 2 kHz enough."""
    middle = middle_of(vowel(f0_hz, 0.4))
    assert periodicity(middle) > 0.9
    below_1_khz, below_2_khz = low_shares(middle)
    assert 1 >= below_2_khz >= below_1_khz > 0.15
    assert below_2_khz > 0.45


def test_periodicity_follows_its_definition() -> None:
    """The height is that of the written-out sum at the best lag."""
    samples = noise(0.1).astype(np.float64)[:960] + sine(150, 0.06, 0.1)
    low = samples.reshape(240, 4).mean(axis=1)
    low -= low.mean()
    heights = [
        low[:-lag] @ low[lag:] / np.sqrt((low[:-lag] @ low[:-lag]) * (low[lag:] @ low[lag:]))
        for lag in range(7, 69)
    ]
    best = max(
        b for a, b, c in zip(heights, heights[1:], heights[2:], strict=False) if b >= a and b > c
    )
    assert periodicity(samples) == pytest.approx(best)


def test_white_noise_is_not_periodic() -> None:
    """White noise has no pitch and about a quarter of its energy below 2 kHz."""
    parts = noise(2.4).astype(np.float64).reshape(-1, 960)
    assert max(periodicity(part) for part in parts) < 0.55
    # Averaging four samples takes some of what lies below 2 kHz.
    assert np.mean([low_shares(part)[1] for part in parts]) == pytest.approx(0.24, abs=0.03)


def test_tones_have_their_share() -> None:
    """A tone of 500 Hz lies below 1 kHz, one of 1.5 kHz below 2 kHz only, 3 kHz in neither."""
    assert low_shares(middle_of(sine(500, 0.3))) == pytest.approx((1, 1), abs=0.1)
    assert low_shares(middle_of(sine(1500, 0.3)))[0] < 0.05
    assert low_shares(middle_of(sine(1500, 0.3)))[1] == pytest.approx(0.63, abs=0.1)
    assert low_shares(middle_of(sine(3000, 0.3)))[1] < 0.15


def test_silence_has_no_voicing() -> None:
    """Zeros give zeros, not NaN."""
    assert periodicity(np.zeros(960)) == 0.0
    assert low_shares(np.zeros(960)) == (0.0, 0.0)
    assert burstiness(np.zeros(FRAME_SAMPLES)) == 1.0


def test_burstiness_runs_from_one_to_eight() -> None:
    """Even power gives 1, a single click 8."""
    click = np.zeros(FRAME_SAMPLES)
    click[100] = 1.0
    assert burstiness(np.ones(FRAME_SAMPLES)) == pytest.approx(1.0)
    assert burstiness(click) == pytest.approx(8.0)


def test_gain_does_not_move_voicing() -> None:
    """Voicing is made of ratios: half the gain gives the same."""
    middle = middle_of(vowel(140, 0.3))
    assert periodicity(middle) == pytest.approx(periodicity(middle / 2), abs=1e-9)
    assert low_shares(middle) == pytest.approx(low_shares(middle / 2), abs=1e-9)


def test_many_pieces_are_measured_like_each_alone() -> None:
    """Signs of a voice do not change by a bit with what they are measured together with."""
    pieces = noise(2.4).astype(np.float64).reshape(-1, 960) * np.linspace(0, 1, 40)[:, np.newaxis]
    assert voicing.periodicity(pieces).tolist() == [periodicity(piece) for piece in pieces]
    shares = np.stack(voicing.low_shares(pieces), axis=1)
    assert shares.tolist() == [list(low_shares(piece)) for piece in pieces]
    frames = pieces.reshape(-1, FRAME_SAMPLES)
    assert voicing.burstiness(frames).tolist() == [burstiness(frame) for frame in frames]
    assert voicing.energy(pieces).tolist() == [float(piece @ piece) for piece in pieces]


@pytest.mark.parametrize("confirm", ["on", "off"])
def test_frames_together_are_decided_like_one_after_the_other(confirm: str) -> None:
    """However frames come, the decisions are the same; the network sleeps, wakes, begins anew."""
    rng = np.random.default_rng(3)
    quiet, talk = np.zeros(16_000), read_recording(DEMO)[16_000:80_000]
    samples = np.concatenate([quiet, talk, noise(6.0, 0.02), quiet, quiet, talk, noise(2.5, 0.1)])
    frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].astype(np.float32)
    frames = frames.reshape(-1, FRAME_SAMPLES)
    settings = VadSettings(confirm=confirm)  # type: ignore[arg-type]
    alone, together = VoiceActivityDetector(settings), VoiceActivityDetector(settings)
    expected = [alone.process(frame) for frame in frames]
    found: list[VadDecision] = []
    while len(found) < len(frames):
        n_next = int(rng.integers(0, 120))
        found += together.process_all(frames[len(found) : len(found) + n_next])
    assert {d.is_speech for d in expected} == {True, False}
    for name in ("is_speech", "reason", "is_voiced", "is_suspected"):
        assert [getattr(d, name) for d in found] == [getattr(d, name) for d in expected]
    for name in ("level_dbfs", "noise_dbfs", "probability"):
        # Processors may round the network's sums in another order for many frames than for one.
        assert [getattr(d, name) for d in found] == pytest.approx(
            [getattr(d, name) for d in expected], rel=1e-4, abs=1e-5, nan_ok=True
        )


def test_same_stream_gives_the_same_decisions() -> None:
    """Two detectors agree on every frame."""
    samples = np.concatenate([noise(0.6, 0.001), train(0.008, 100), noise(0.6, 0.01)])
    assert repr(decide(samples)) == repr(decide(samples))


def test_too_loud_samples_are_heard_as_clipped() -> None:
    """Samples beyond full scale do not wrap around."""
    assert decide(4 * sine(150, 1.0))[10].level_dbfs > 0


@pytest.mark.parametrize("shape", [(479,), (960,), (1, 480)])
def test_wrong_frame_is_refused(shape: tuple[int, ...]) -> None:
    """A frame of another shape is refused with the way out."""
    with pytest.raises(InvalidAudioError, match="cut the stream with FrameCutter"):
        VoiceActivityDetector().process(np.zeros(shape, np.float32))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_frame_that_is_not_finite_is_refused(value: float) -> None:
    """NaN and infinity are refused, not heard."""
    frame = np.zeros(FRAME_SAMPLES, np.float32)
    frame[3] = value
    with pytest.raises(InvalidAudioError, match="NaN or infinity"):
        VoiceActivityDetector().process(frame)


def read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32")[0]


@pytest.mark.corpus
def test_every_actor_is_found(corpus_dir: Path) -> None:
    """One calm, one fearful and one angry clip of every actor give one utterance or more each."""
    for emotion in ("02", "05", "06"):
        for path in sorted((corpus_dir / "ravdess").glob(f"*/03-01-{emotion}-01-01-01-*.flac")):
            assert segment(read(path)).accepted, path.name


@pytest.mark.corpus
@pytest.mark.parametrize("kind", ["gsc_white_noise", "gsc_running_tap", "nastar_ACVacuum_test"])
def test_steady_noises_open_nothing(corpus_dir: Path, kind: str) -> None:
    """White noise, a running tap and a vacuum cleaner never become utterances."""
    assert segment(read(corpus_dir / "noise" / f"{kind}.flac")).utterances == ()
