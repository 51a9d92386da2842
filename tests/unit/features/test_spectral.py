"""Spectral contours: equal to librosa, with known answers, whatever the blocks."""

from __future__ import annotations

from collections.abc import Callable

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from speechlike import speechlike, tone, white

from ser_live.features import spectral
from ser_live.features.spectral import CONTOURS, LEVEL_ADDITIVE, SpectralStream, frame_count

LOW = 2  # bins below 62.5 Hz are left out
EULER_GAMMA = 0.5772156649


def contours(samples: NDArray[np.floating]) -> dict[str, NDArray[np.float64]]:
    stream = SpectralStream()
    stream.push(samples)
    return stream.contours(len(samples))


def power_of(samples: NDArray[np.floating]) -> NDArray[np.float64]:
    """Power spectrogram by librosa, uncentred, bins from 62.5 Hz."""
    spectrum = librosa.stft(
        samples.astype(np.float64), n_fft=512, hop_length=160, center=False, dtype=np.complex128
    )
    return np.abs(spectrum[LOW:]) ** 2


SOUNDS = {"noise": white(), "speechlike": speechlike(), "tone with noise": tone(700) + white()}


@pytest.fixture(params=SOUNDS, ids=lambda name: name.replace(" ", "-"))
def sound(request: pytest.FixtureRequest) -> NDArray[np.float64]:
    return SOUNDS[request.param]


def test_mfcc_and_mel_bands_are_those_of_librosa(sound: NDArray[np.float64]) -> None:
    """MFCC 0-13 and mel bands in dB equal librosa's without centring to 1e-4 dB."""
    mel = librosa.feature.melspectrogram(
        S=np.pad(power_of(sound), ((LOW, 0), (0, 0))),
        sr=16_000,
        n_mels=spectral.N_MEL,
        fmin=spectral.MEL_LOW_HZ,
        fmax=8000.0,
    )
    decibel = librosa.power_to_db(mel, amin=1e-30, top_db=None)
    mfcc = librosa.feature.mfcc(S=decibel, n_mfcc=spectral.N_MFCC)
    found = contours(sound)
    for i in range(spectral.N_MEL):
        np.testing.assert_allclose(found[f"mel{i + 1:02d}_db"], decibel[i], atol=1e-4)
    for i in range(spectral.N_MFCC):
        np.testing.assert_allclose(found[f"mfcc{i}"], mfcc[i], atol=1e-4)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("spectral_centroid_hz", librosa.feature.spectral_centroid),
        ("spectral_bandwidth_hz", librosa.feature.spectral_bandwidth),
        (
            "spectral_rolloff25_hz",
            lambda **k: librosa.feature.spectral_rolloff(roll_percent=0.25, **k),
        ),
        (
            "spectral_rolloff85_hz",
            lambda **k: librosa.feature.spectral_rolloff(roll_percent=0.85, **k),
        ),
    ],
)
def test_shape_of_the_spectrum_is_that_of_librosa(
    sound: NDArray[np.float64], name: str, reference: Callable[..., NDArray[np.float64]]
) -> None:
    """Centroid, bandwidth and roll-off equal librosa's to 1e-6 Hz."""
    frequencies = librosa.fft_frequencies(sr=16_000, n_fft=512)[LOW:]
    expected = reference(S=np.sqrt(power_of(sound)), sr=16_000, freq=frequencies)[0]
    np.testing.assert_allclose(contours(sound)[name], expected, atol=1e-6)


def test_flatness_is_that_of_librosa(sound: NDArray[np.float64]) -> None:
    """Flatness equals librosa's, in decibels."""
    expected = librosa.feature.spectral_flatness(S=np.sqrt(power_of(sound)), amin=1e-30)[0]
    np.testing.assert_allclose(
        contours(sound)["spectral_flatness_db"], 10 * np.log10(expected), atol=1e-6
    )


def test_contrast_is_that_of_librosa(sound: NDArray[np.float64]) -> None:
    """Contrast of each octave band equals librosa's on the power spectrum."""
    expected = librosa.feature.spectral_contrast(
        S=power_of(sound) * 1e6,  # librosa has an absolute floor
        sr=16_000,
        freq=librosa.fft_frequencies(sr=16_000, n_fft=512)[LOW:],
        fmin=200.0,
        n_bands=5,
        quantile=0.1,
    )
    found = contours(sound)
    for band in range(6):
        np.testing.assert_allclose(found[f"spectral_contrast{band}_db"], expected[band], atol=1e-4)


def test_zero_crossing_rate_is_that_of_librosa(sound: NDArray[np.float64]) -> None:
    """Zero crossings per second equal librosa's rate per sample times 16000."""
    expected = librosa.feature.zero_crossing_rate(
        sound, frame_length=512, hop_length=160, center=False, threshold=0.0
    )[0]
    np.testing.assert_allclose(contours(sound)["zero_crossing_rate_hz"], expected * 16_000)


def test_onset_strength_is_that_of_librosa(sound: NDArray[np.float64]) -> None:
    """Onset strength equals librosa's on the same mel bands, from the second frame on."""
    found = contours(sound)
    mel = np.stack([found[name] for name in CONTOURS if name.startswith("mel")])
    expected = librosa.onset.onset_strength(S=mel, center=False)
    np.testing.assert_allclose(found["onset_strength_db"][1:], expected[1:], atol=1e-4)
    assert np.isnan(found["onset_strength_db"][0])


@pytest.mark.parametrize("frequency_hz", [250.0, 1000.0, 3000.0, 6000.0])
def test_centroid_of_a_sine_is_its_frequency(frequency_hz: float) -> None:
    """The centroid of a sine is its frequency within 3 Hz, its bandwidth below two bins."""
    found = contours(tone(frequency_hz))
    np.testing.assert_allclose(found["spectral_centroid_hz"], frequency_hz, atol=3.0)
    assert found["spectral_bandwidth_hz"].max() < 62.5
    np.testing.assert_allclose(found["spectral_rolloff50_hz"], frequency_hz, atol=31.25)


def test_flatness_and_entropy_of_white_noise() -> None:
    """White noise has flatness e^-gamma (-2.51 dB) and entropy 1 - (1 - gamma) / ln n, on average.

    The power of its bins is exponentially distributed; tolerances 0.15 dB and 0.005.
    """
    found = contours(white(10.0))
    n_bins = 255
    flatness_db = -10 * EULER_GAMMA / np.log(10)
    assert found["spectral_flatness_db"].mean() == pytest.approx(flatness_db, abs=0.15)
    entropy = 1 - (1 - EULER_GAMMA) / np.log(n_bins)
    assert found["spectral_entropy"].mean() == pytest.approx(entropy, abs=0.005)


def test_an_impulse_is_perfectly_flat() -> None:
    """A single pulse has flatness 0 dB, entropy 1, no contrast and no slope."""
    samples = np.zeros(512)
    samples[200] = 0.5
    found = contours(samples)
    assert found["spectral_flatness_db"][0] == pytest.approx(0.0, abs=1e-9)
    assert found["spectral_entropy"][0] == pytest.approx(1.0, abs=1e-9)
    assert found["spectral_contrast3_db"][0] == pytest.approx(0.0, abs=1e-9)
    assert found["spectral_slope_0_500_db_per_khz"][0] == pytest.approx(0.0, abs=1e-9)
    assert found["spectral_centroid_hz"][0] == pytest.approx((62.5 + 8000) / 2)


def test_entropy_of_a_sine_is_low() -> None:
    """A sine on a bin fills three bins with shares 1/6, 2/3, 1/6: entropy 0.157."""
    shares = np.array([1 / 6, 2 / 3, 1 / 6])
    expected = -np.sum(shares * np.log(shares)) / np.log(255)
    np.testing.assert_allclose(contours(tone(1000.0))["spectral_entropy"], expected, atol=1e-6)


def test_slope_of_a_tilted_spectrum_is_recovered() -> None:
    """An impulse response falling by d dB per kHz has that slope in both bands within 1 %."""
    frequency = np.fft.rfftfreq(512, 1 / 16_000)
    magnitude = 10 ** (-12.0 * frequency / 1000.0 / 20.0)
    pulse = np.roll(np.fft.irfft(magnitude), 256)  # where the window is 1
    found = contours(0.5 * pulse)
    assert found["spectral_slope_500_1500_db_per_khz"][0] == pytest.approx(-12.0, rel=0.01)
    assert found["spectral_slope_0_500_db_per_khz"][0] == pytest.approx(-12.0, rel=0.01)


def test_two_tones_give_their_known_ratios() -> None:
    """Tones at 500 Hz and 3 kHz, 20 dB apart, give alpha ratio -20 dB and Hammarberg 20 dB."""
    found = contours(tone(500.0, amplitude=0.5) + tone(3000.0, amplitude=0.05))
    np.testing.assert_allclose(found["alpha_ratio_db"], -20.0, atol=0.01)
    np.testing.assert_allclose(found["hammarberg_index_db"], 20.0, atol=0.01)
    np.testing.assert_allclose(found["band_2000_4000_hz_db"], -20.0, atol=0.1)


def test_flux_of_an_unchanging_sound_is_zero_and_bounded_by_root_two() -> None:
    """A steady tone has no flux; a jump to another tone gives sqrt(2)."""
    # Frames start every ten periods of 1 kHz, so all of them hold the same samples.
    steady = contours(tone(1000.0))["spectral_flux"]
    np.testing.assert_allclose(steady[1:], 0.0, atol=1e-6)
    blocks = np.concatenate([tone(1000.0, 0.1), np.zeros(512)])
    assert np.nanmax(contours(blocks)["spectral_flux"]) <= np.sqrt(2) + 1e-12


def test_full_scale_sine_has_level_minus_three() -> None:
    """A full-scale sine reads -3.01 dBFS."""
    np.testing.assert_allclose(
        contours(tone(1000.0, amplitude=1.0))["level_dbfs"], -3.0103, atol=1e-3
    )


@pytest.mark.parametrize("gain_db", [-6.0, -30.0, 12.0])
def test_gain_moves_only_the_level(sound: NDArray[np.float64], gain_db: float) -> None:
    """Gain shifts c0 by sqrt(32) g, mel bands and level by g, and nothing else."""
    before, after = contours(sound), contours(sound * 10 ** (gain_db / 20))
    for name in CONTOURS:
        shift = 0.0
        if name in LEVEL_ADDITIVE:
            shift = gain_db * (np.sqrt(spectral.N_MEL) if name == "mfcc0" else 1.0)
        np.testing.assert_allclose(after[name], before[name] + shift, atol=1e-6, err_msg=name)


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_blocks_do_not_matter(data: st.DataObject) -> None:
    """Any cutting into blocks gives the contours of one push, to the last bit."""
    samples = speechlike(1.7).astype(np.float32)
    sizes = data.draw(st.lists(st.integers(0, 9000), min_size=1, max_size=12))
    n = data.draw(st.integers(0, len(samples)))
    stream = SpectralStream()
    for block in np.split(samples, np.minimum(np.cumsum(sizes), len(samples))):
        stream.push(block)
    once = SpectralStream()
    once.push(samples[:n])
    np.testing.assert_array_equal(stream.matrix(n), once.matrix(n))


def test_frames_lie_inside_the_utterance() -> None:
    """512 samples make one frame, each 160 more another."""
    assert [frame_count(n) for n in (0, 511, 512, 671, 672)] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    "samples",
    [np.zeros(0), np.zeros(1), np.zeros(511), np.zeros(4000), np.full(4000, 0.7)],
    ids=["empty", "one sample", "less than a frame", "silence", "constant"],
)
def test_what_has_no_spectrum_is_undefined(samples: NDArray[np.float64]) -> None:
    """Silence and a constant have no spectrum: every value is NaN, without a warning."""
    assert all(np.isnan(values).all() for values in contours(samples).values())


def test_clipped_sound_is_defined() -> None:
    """A square wave has finite contours in every frame but the first's flux and onset."""
    found = contours(np.sign(tone(210.3)))
    for name, values in found.items():
        assert np.isfinite(values[1:]).all(), name


def test_sound_after_silence_starts_without_flux() -> None:
    """After digital silence the flux is undefined once, then defined again."""
    found = contours(np.concatenate([np.zeros(1600), white(0.2)]))
    defined = np.isfinite(found["spectral_centroid_hz"])
    first = int(np.flatnonzero(defined)[0])
    assert np.isnan(found["spectral_flux"][first])
    assert np.isfinite(found["spectral_flux"][first + 1 :]).all()


def test_every_contour_is_described_with_its_unit() -> None:
    """Names end in their unit and descriptions are complete and distinct."""
    endings = {"Hz": "_hz", "dB": "_db", "dB/kHz": "_db_per_khz", "dBFS": "_dbfs"}
    for name, about in CONTOURS.items():
        assert name.endswith(endings.get(about.unit, "")), name
        assert about.text
        assert about.source
    assert len({about.text for about in CONTOURS.values()}) == len(CONTOURS)
