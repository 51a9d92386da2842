# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=1.26", "onnx>=1.17", "soundfile>=0.12.1", "torch==2.13.0"]
# ///
"""Tune the learned encoder to hear through noise, rooms and lines, without any labels.

Run from a checkout, in an environment with torch and the project, on a GPU if there is one::

    python scripts/tune_encoder.py *.whl --speech FOLDER [FOLDER ...] --out models/NAME/encoder.onnx

The weights are those that ``scripts/export_encoder.py`` takes, the graph is the one it makes.
The folders hold recordings (mono, 16 kHz) of ordinary speech. Nothing is known of them but
their sound, and acted emotion should stay out: then no speaker of a test has been heard here,
and one tuned encoder serves every fold.

A copy of the encoder, the student, hears a spoilt copy of each clip and learns to pool what
the untouched encoder, the teacher, pools of the clean one. The pooled values are compared in
units of their spread over clean clips, so that no dimension rules. On the clean clip the
student has to agree with the teacher as well, which keeps what the teacher knows of voices.
A moving average of the student's weights is written.

Everything that spoils is made from random numbers, formulas and other clips: recorded noises
and real rooms stay unseen for measurements.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from ser_live.features.mel import mel_filters  # noqa: E402
from ser_live.high_pass import high_passed  # noqa: E402
from ser_live.model.encoder import (  # noqa: E402
    HOP_SAMPLES,
    N_MELS,
    TARGET_LEVEL_DB,
    WINDOW_SAMPLES,
)

RATE = 16_000
LAYERS = (2, 3, 4)
N_HEADS = 8
WIDTH = 512

LEAD = 2_400
"""Silent samples before every clip: a student may hear some of them first."""
CLIP_SAMPLES = 56_000
"""Longest part of a recording in use, 3.5 s."""
_BUFFER = LEAD + CLIP_SAMPLES
_SHORTEST, _LONGEST = 1.2, 3.5
"""Seconds that are heard of a clip."""

_BLOCK = 480
_QUANTILE = 0.3
_FFT_SAMPLES = 98_304
_MAX_RESPONSE = 32_000

functional = nn.functional


class SpeechLayers(nn.Module):  # type: ignore[misc]  # torch is not installed for the check
    """The convolutions and first layers of the encoder, for a batch of unequal lengths.

    Parameters
    ----------
    arrays : mapping
        The encoder's arrays as ``export_encoder.read_encoder`` names them; more layers than
        needed are left out.
    """

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        super().__init__()
        used = ("conv1/", "conv2/", *(f"layer_{k}/" for k in range(max(LAYERS))))
        self.arrays = nn.ParameterDict(
            {
                name: nn.Parameter(torch.tensor(value, dtype=torch.float32))
                for name, value in arrays.items()
                if name.startswith(used) and value.ndim > 0
            }
        )

    def as_arrays(self) -> dict[str, NDArray[np.float32]]:
        """The weights, named as they came."""
        return {name: value.detach().cpu().numpy() for name, value in self.arrays.items()}

    def forward(self, spectra: Tensor, n_frames: Tensor) -> tuple[list[Tensor], Tensor]:
        """Hidden states after ``LAYERS``, and how many steps of each clip count.

        Parameters
        ----------
        spectra : float32, shape (n_clips, n_frames, 80)
            Zero from ``n_frames`` on.
        n_frames : int64, shape (n_clips,)
        """
        w = self.arrays
        heard = _mask(n_frames, spectra.shape[1])[:, None]
        x = functional.conv1d(spectra.mT, w["conv1/weight"], w["conv1/bias"], padding=1)
        # The graph pads the second convolution with zeros as well, right after the last frame.
        x = functional.gelu(x) * heard
        x = functional.conv1d(x, w["conv2/weight"], w["conv2/bias"], stride=2, padding=1)
        x = functional.gelu(x).mT
        x = x + _positions(x.shape[1], x.device)
        n_steps = (n_frames + 1) // 2
        attended = _mask(n_steps, x.shape[1])[:, None, None]
        states = []
        for layer in range(max(LAYERS)):
            x = x + self._attention(x, f"layer_{layer}/self_attention", attended)
            x = x + self._perceptron(x, f"layer_{layer}/ffn")
            if layer + 1 in LAYERS:
                states.append(x)
        return states, n_steps

    def _norm(self, x: Tensor, name: str) -> Tensor:
        w = self.arrays
        gamma, beta = w[f"{name}/layer_norm/gamma"], w[f"{name}/layer_norm/beta"]
        return functional.layer_norm(x, (WIDTH,), gamma, beta)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self.arrays[f"{name}/weight"], self.arrays[f"{name}/bias"])

    def _attention(self, x: Tensor, name: str, attended: Tensor) -> Tensor:
        fused = self._linear(self._norm(x, name), f"{name}/linear_0")
        heads = fused.unflatten(-1, (3, N_HEADS, WIDTH // N_HEADS)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(*heads.unbind(), attn_mask=attended)
        return self._linear(mixed.transpose(1, 2).flatten(2), f"{name}/linear_1")

    def _perceptron(self, x: Tensor, name: str) -> Tensor:
        inner = functional.gelu(self._linear(self._norm(x, name), f"{name}/linear_0"))
        return self._linear(inner, f"{name}/linear_1")


def _mask(lengths: Tensor, n: int) -> Tensor:
    """True for what lies before each length, shape (n_clips, n)."""
    return torch.arange(n, device=lengths.device) < lengths[:, None]


def _positions(n_steps: int, device: torch.device) -> Tensor:
    """Sines and cosines of the position, as in the graph."""
    half = WIDTH // 2
    rates = torch.exp(-np.log(10000.0) / (half - 1) * torch.arange(half, device=device))
    angles = torch.arange(n_steps, device=device)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def pooled(states: list[Tensor], n_steps: Tensor) -> Tensor:
    """Mean and standard deviation over time, one layer after the other: ``encoder.pool``."""
    parts = []
    for state in states:
        heard = _mask(n_steps, state.shape[1])[:, :, None]
        count = n_steps[:, None].to(state.dtype)
        mean = (state * heard).sum(dim=1) / count
        variance = ((state - mean[:, None]).square() * heard).sum(dim=1) / count
        parts += [mean, variance.clamp_min(1e-10).sqrt()]
    return torch.cat(parts, dim=1)


class Ears:
    """Samples to log-mel spectra, as the live path makes them, for a batch on a device."""

    def __init__(self, device: torch.device) -> None:
        step = np.zeros(8001, np.float32)
        step[1] = 1.0  # the filter takes the first sample for an offset
        response = torch.tensor(high_passed(step)[1:], device=device)
        self._high_pass = torch.fft.rfft(response, _FFT_SAMPLES)
        phase = 2.0 * np.pi * torch.arange(WINDOW_SAMPLES, device=device) / WINDOW_SAMPLES
        self._window = 0.5 - 0.5 * torch.cos(phase)
        filters = mel_filters(RATE, WINDOW_SAMPLES, N_MELS, 0.0, RATE / 2)
        self._filters = torch.tensor(filters.T, dtype=torch.float32, device=device)

    def spectra(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Log-mel spectra, shape (n_clips, n_frames, 80), and how many frames of each count."""
        samples = self._level(self._filtered(samples, lengths), lengths)
        windows = samples.unfold(1, WINDOW_SAMPLES, HOP_SAMPLES) * self._window
        power = torch.fft.rfft(windows).abs().square()
        bands = (power @ self._filters).clamp_min(1e-10).log10()
        n_frames = 1 + (lengths - WINDOW_SAMPLES) // HOP_SAMPLES
        heard = _mask(n_frames, bands.shape[1])[:, :, None]
        loudest = bands.masked_fill(~heard, -10.0).amax(dim=(1, 2), keepdim=True)
        return (torch.maximum(bands, loudest - 8.0) + 4.0) / 4.0 * heard, n_frames

    def _filtered(self, samples: Tensor, lengths: Tensor) -> Tensor:
        heard = _mask(lengths, samples.shape[1])
        spectrum = torch.fft.rfft((samples - samples[:, :1]) * heard, _FFT_SAMPLES)
        filtered = torch.fft.irfft(spectrum * self._high_pass, _FFT_SAMPLES)
        return filtered[:, : samples.shape[1]] * heard

    @staticmethod
    def _level(samples: Tensor, lengths: Tensor) -> Tensor:
        """``encoder.at_level``."""
        gain = 10.0 ** (TARGET_LEVEL_DB / 20.0) / speech_power(samples, lengths).sqrt()
        return samples * torch.where(gain.isfinite(), gain, 1.0)[:, None]


def speech_power(samples: Tensor, lengths: Tensor) -> Tensor:
    """Mean power of the louder part of each clip: ``encoder.speech_level_db``, not in dB."""
    n_whole = samples.shape[1] // _BLOCK * _BLOCK
    power = samples[:, :n_whole].unflatten(1, (-1, _BLOCK)).square().mean(dim=2)
    n_blocks = lengths // _BLOCK
    counted = _mask(n_blocks, power.shape[1])
    ordered = power.masked_fill(~counted, torch.inf).sort(dim=1).values
    place = _QUANTILE * (n_blocks - 1).to(power.dtype)
    below = place.floor().long()
    low = ordered.gather(1, below[:, None])
    high = ordered.gather(1, torch.minimum(below + 1, n_blocks - 1)[:, None])
    loud = counted & (power >= low + (place - below)[:, None] * (high - low))
    return (power * loud).sum(dim=1) / loud.sum(dim=1)


class Spoiler:
    """Spoils clips at random: microphone, room, noise, line, clipping.

    Parameters
    ----------
    bank : float32, shape (n_clips, n_samples)
        Other people, for babble.
    """

    def __init__(self, bank: Tensor, seed: int) -> None:
        self._bank = bank
        self._device = bank.device
        self._g = torch.Generator(bank.device).manual_seed(seed)
        self._hz = torch.fft.rfftfreq(_FFT_SAMPLES, 1.0 / RATE, device=bank.device)

    def spoil(self, samples: Tensor, lengths: Tensor) -> Tensor:
        """Spoilt copies of clips of shape (n_clips, n_samples), time as it was."""
        n = len(samples)
        power = speech_power(samples, lengths)[:, None].clamp_min(1e-10)
        samples = samples / power.sqrt()
        samples = self._filter(samples, self._microphone(n))
        samples = self._some(samples, self._in_room(samples), 0.5)
        level = speech_power(samples, lengths)[:, None].clamp_min(1e-10).sqrt()
        noisy = samples + level * 10.0 ** (-self._uniform(n, -1.0, 30.0) / 20.0) * self._noise(n)
        samples = self._some(samples, noisy, 0.75)
        samples = self._some(samples, self._over_line(samples), 0.3)
        peak = samples.abs().amax(dim=1, keepdim=True)
        limit = peak * 10.0 ** (-self._uniform(n, 1.0, 15.0) / 20.0)
        samples = self._some(samples, samples.clamp(-limit, limit), 0.1)
        # A soft microphone leaves few steps of 16 bits.
        steps = 10.0 ** self._uniform(n, 1.5, 3.5) / peak.clamp_min(1e-6)
        return self._some(samples, (samples * steps).round() / steps, 0.1)

    def _uniform(self, n: int, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, 1, generator=self._g, device=self._device)

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self._g, device=self._device)

    def _some(self, plain: Tensor, changed: Tensor, share: float) -> Tensor:
        return torch.where(self._uniform(len(plain), 0.0, 1.0) < share, changed, plain)

    @staticmethod
    def _filter(samples: Tensor, gains: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(samples, _FFT_SAMPLES) * gains
        return torch.fft.irfft(spectrum, _FFT_SAMPLES)[:, : samples.shape[1]]

    def _microphone(self, n: int) -> Tensor:
        """Gains over frequency: half the clips tilted, half with bumps of some decibels."""
        octaves = (self._hz.clamp_min(100.0) / 1000.0).log2()
        tilt = self._uniform(n, -2.0, 2.0) * (self._uniform(n, 0.0, 1.0) < 0.5) * octaves
        bumps = 3.0 * self._normal(n, 1, 10) * (self._uniform(n, 0.0, 1.0) < 0.5)[:, None]
        place = (octaves - octaves.min()) / (octaves.max() - octaves.min())
        smooth = functional.interpolate(bumps, 1000, mode="linear", align_corners=True)[:, 0]
        return 10.0 ** ((tilt + smooth[:, (place * 999).long()]) / 20.0)

    def _in_room(self, samples: Tensor) -> Tensor:
        """Decaying noise and a few early reflections after the direct sound."""
        n = len(samples)
        time_s = torch.arange(_MAX_RESPONSE, device=self._device) / RATE
        decay_s = 0.2 * (2.2 / 0.2) ** self._uniform(n, 0.0, 1.0)
        noise = self._normal(n, _MAX_RESPONSE)
        low = torch.fft.irfft(
            torch.fft.rfft(noise, _FFT_SAMPLES) / (1.0 + (self._hz / 1000.0) ** 2).sqrt(),
            _FFT_SAMPLES,
        )[:, :_MAX_RESPONSE]
        tail = low * 10.0 ** (-3.0 * time_s / decay_s)
        bright = self._uniform(n, 0.1, 1.0)
        tail += bright * (noise - low) * 10.0 ** (-6.0 * time_s / decay_s)
        early = torch.rand(n, _MAX_RESPONSE, generator=self._g, device=self._device)
        dense = self._uniform(n, 0.0, 0.01) * (time_s < 0.06)
        tail += self._uniform(n, 0.0, 6.0) * noise * (early < dense) * torch.exp(-time_s / 0.03)
        tail *= time_s >= self._uniform(n, 0.001, 0.03)
        tail /= tail.square().sum(dim=1, keepdim=True).sqrt()
        response = 10.0 ** (-self._uniform(n, -12.0, 8.0) / 20.0) * tail
        response[:, 0] = 1.0
        return self._filter(samples, torch.fft.rfft(response, _FFT_SAMPLES))

    def _noise(self, n: int) -> Tensor:
        """Noise of power 1: steady, people, a motor or clicks."""
        kind = self._uniform(n, 0.0, 1.0)
        noise = self._steady(n)
        noise = torch.where(kind > 0.4, self._babble(n), noise)
        share = self._uniform(n, 0.1, 1.0)
        noise = torch.where(kind > 0.7, _at_one(self._motor(n) + share * self._steady(n)), noise)
        return torch.where(kind > 0.85, _at_one(self._clicks(n) + share * self._steady(n)), noise)

    def _steady(self, n: int) -> Tensor:
        """Sloping from white to beyond brown, with bumps; half of it swells."""
        gains = self._hz.clamp_min(50.0) ** (-self._uniform(n, 0.0, 2.4) / 2.0)
        noise = self._filter(self._normal(n, _BUFFER), gains * self._microphone(n))
        return _at_one(noise * self._swell(n))

    def _swell(self, n: int) -> Tensor:
        time_s = torch.arange(_BUFFER, device=self._device) / RATE
        phase = self._uniform(n, 0.2, 4.0) * time_s + self._uniform(n, 0.0, 1.0)
        depth_db = self._uniform(n, -10.0, 10.0).clamp_min(0.0)
        return 10.0 ** (depth_db / 20.0 * torch.sin(2.0 * np.pi * phase))

    def _babble(self, n: int) -> Tensor:
        """1 to 8 people of the bank, near and far; the more, the closer to a murmur."""
        most = 8
        chosen = torch.randint(len(self._bank), (most, n), generator=self._g, device=self._device)
        wanted = self._uniform(n, 1.0, most + 1.0).floor()
        voices = torch.zeros(n, _BUFFER, device=self._device)
        for index in range(most):
            voice = _at_one(self._bank[chosen[index]])
            voice = voice.roll(int(_BUFFER * index / most), dims=1)
            gain = 10.0 ** (self._uniform(n, -12.0, 0.0) / 20.0)
            voices += gain * (index < wanted) * voice
        return _at_one(self._filter(voices, self._microphone(n)))

    def _motor(self, n: int) -> Tensor:
        """Harmonics of 40 to 400 Hz, wavering."""
        time_s = torch.arange(_BUFFER, device=self._device) / RATE
        pitch_hz = 40.0 * 10.0 ** self._uniform(n, 0.0, 1.0)
        waver = torch.sin(2.0 * np.pi * (self._uniform(n, 0.1, 1.0) * time_s))
        phase = 2.0 * np.pi * pitch_hz * (time_s + 0.003 * waver)
        slope_db = self._uniform(n, 3.0, 12.0)
        tones = torch.zeros_like(phase)
        for harmonic in range(1, 25):
            gain_db = self._uniform(n, -6.0, 6.0) - slope_db * float(np.log2(harmonic))
            audible = harmonic * pitch_hz < 7500.0
            turned = harmonic * phase + self._uniform(n, 0.0, 6.28)
            tones += audible * 10.0 ** (gain_db / 20.0) * torch.sin(turned)
        return _at_one(tones)

    def _clicks(self, n: int) -> Tensor:
        """5 to 500 ringing clicks a second."""
        rate_hz = 5.0 * 100.0 ** self._uniform(n, 0.0, 1.0)
        drawn = torch.rand(n, _BUFFER, generator=self._g, device=self._device)
        clicks = self._normal(n, _BUFFER) * (drawn < rate_hz / RATE)
        time_s = torch.arange(1600, device=self._device) / RATE
        ringing = self._normal(n, 1600) * torch.exp(-time_s / self._uniform(n, 0.001, 0.02))
        gains = torch.fft.rfft(ringing, _FFT_SAMPLES) * self._microphone(n)
        return _at_one(self._filter(clicks, gains))

    def _over_line(self, samples: Tensor) -> Tensor:
        """A narrow band; a third companded to 8 bits, a third with a coder's noise."""
        n = len(samples)
        low_hz = 50.0 * 8.0 ** self._uniform(n, 0.0, 1.0)
        high_hz = 2700.0 * (7000.0 / 2700.0) ** self._uniform(n, 0.0, 1.0)
        order = self._uniform(n, 2.0, 6.0).floor()
        hz = self._hz.clamp_min(1.0)
        gains = (1.0 + (low_hz / hz) ** (2 * order)).rsqrt()
        gains = gains * (1.0 + (hz / high_hz) ** (2 * order)).rsqrt()
        heard = self._filter(samples, gains)
        peak = heard.abs().amax(dim=1, keepdim=True).clamp_min(1e-6)
        magnitude = torch.log1p(255.0 * heard.abs() / peak) / np.log(256.0)
        coded = torch.expm1((magnitude * 127.0).round() / 127.0 * np.log(256.0)) / 255.0
        companded = heard.sign() * coded * peak
        distance = 10.0 ** (-self._uniform(n, 8.0, 30.0) / 20.0)
        coarse = heard * (1.0 + distance * self._normal(*heard.shape))
        kind = self._uniform(n, 0.0, 1.0)
        changed = torch.where(kind < 1 / 3, companded, self._filter(coarse, gains))
        return torch.where(kind > 2 / 3, heard, changed)


def _at_one(sound: Tensor) -> Tensor:
    """Brought to a mean power of 1."""
    return sound / sound.square().mean(dim=1, keepdim=True).clamp_min(1e-12).sqrt()


@dataclass(frozen=True)
class Settings:
    """How the student learns."""

    n_steps: int = 300
    n_clips: int = 96
    rate: float = 3e-5
    n_warm_up: int = 50
    keep: float = 0.995
    """Share of the moving average that a step keeps."""
    anchor: float = 0.5
    """Weight of the loss on clean clips."""
    seed: int = 0


class Tuning:
    """A teacher, a student and clips of speech, all on one device.

    Parameters
    ----------
    arrays : mapping
        The untouched encoder.
    clips : list of float32 arrays
        Mono, 16 kHz; cut at 3.5 s.
    """

    def __init__(
        self, arrays: dict[str, NDArray[Any]], clips: list[NDArray[np.float32]], device: str
    ) -> None:
        self._device = torch.device(device)
        self._arrays = arrays
        self.ears = Ears(self._device)
        self.teacher = SpeechLayers(arrays).to(self._device).requires_grad_(False)
        self.bank, self.lengths = as_bank(clips, self._device)
        clean = torch.cat(
            [
                self.embed(self.teacher, self.bank[rows, LEAD:], self.lengths[rows])
                for rows in torch.arange(len(clips), device=self._device).split(96)
            ]
        )
        self._centre, self._spread = clean.mean(dim=0), clean.std(dim=0).clamp_min(1e-3)

    def embed(self, layers: SpeechLayers, samples: Tensor, lengths: Tensor) -> Tensor:
        """The pooled states that the live path would find."""
        return pooled(*layers(*self.ears.spectra(samples, lengths)))

    def run(self, settings: Settings) -> Iterator[tuple[int, float, SpeechLayers]]:
        """Tune: after every step its number, its loss, and the moving average so far."""
        g = torch.Generator(self._device).manual_seed(settings.seed)
        spoiler = Spoiler(self.bank, settings.seed + 1)
        student = SpeechLayers(self._arrays).to(self._device)
        average = SpeechLayers(self._arrays).to(self._device).requires_grad_(False)
        weights = list(student.parameters())
        optimizer = torch.optim.AdamW(weights, settings.rate, weight_decay=0.0)
        for step in range(1, settings.n_steps + 1):
            optimizer.param_groups[0]["lr"] = settings.rate * min(1.0, step / settings.n_warm_up)
            with torch.no_grad():
                clean, spoilt, n_clean, n_spoilt = self._draw(settings.n_clips, spoiler, g)
                target = self._standard(self.embed(self.teacher, clean, n_clean))
            found = self._standard(self.embed(student, spoilt, n_spoilt))
            same = self._standard(self.embed(student, clean, n_clean))
            loss = _distance(found, target) + settings.anchor * _distance(same, target)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            keep = min(settings.keep, step / (step + 10))
            with torch.no_grad():
                torch._foreach_lerp_(list(average.parameters()), weights, 1.0 - keep)
            yield step, float(loss.detach()), average

    def _draw(
        self, n: int, spoiler: Spoiler, g: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Clean and spoilt excerpts and their lengths; some spoilt ones begin with silence."""

        def uniform() -> Tensor:
            return torch.rand(n, generator=g, device=self._device)

        rows = torch.randint(len(self.bank), (n,), generator=g, device=self._device)
        whole = self.lengths[rows]
        seconds = _SHORTEST + (_LONGEST - _SHORTEST) * uniform()
        n_clean = torch.minimum((seconds * RATE).long(), whole)
        start = LEAD + (uniform() * (whole - n_clean + 1)).long()
        early = ((uniform() - 0.7) / 0.3 * LEAD).long().clamp_min(0)
        clean = self.bank[rows]
        place = torch.arange(clean.shape[1], device=self._device)
        # What was said before the excerpt is heard as its echo, not as speech.
        spoilt = spoiler.spoil(clean * (place < (start + n_clean)[:, None]), whole + LEAD)
        n_spoilt = n_clean + early
        return (
            _excerpts(clean, start, n_clean),
            _excerpts(spoilt, start - early, n_spoilt),
            n_clean,
            n_spoilt,
        )

    def _standard(self, embeddings: Tensor) -> Tensor:
        return (embeddings - self._centre) / self._spread


def as_bank(
    clips: list[NDArray[np.float32]], device: torch.device, n_samples: int = CLIP_SAMPLES
) -> tuple[Tensor, Tensor]:
    """The clips behind ``LEAD`` silent samples, and their lengths."""
    bank = torch.zeros(len(clips), LEAD + n_samples)
    for row, clip in zip(bank, clips, strict=True):
        kept = torch.from_numpy(clip[:n_samples])
        row[LEAD : LEAD + len(kept)] = kept
    lengths = torch.tensor([min(len(clip), n_samples) for clip in clips])
    return bank.to(device), lengths.to(device)


def _excerpts(samples: Tensor, start: Tensor, lengths: Tensor) -> Tensor:
    """From each row its part, zeros behind it."""
    place = torch.arange(int(lengths.max()), device=samples.device)
    index = (start[:, None] + place).clamp_max(samples.shape[1] - 1)
    return samples.gather(1, index) * (place < lengths[:, None])


def _distance(found: Tensor, target: Tensor) -> Tensor:
    """Of embeddings in units of their spread: size and direction of the difference."""
    angle = 1.0 - functional.cosine_similarity(found, target, dim=1).mean()
    return functional.smooth_l1_loss(found, target) + angle


def read_clips(folders: list[Path]) -> list[NDArray[np.float32]]:
    """Every recording in the folders of at least a second."""
    import soundfile

    clips = []
    for path in sorted(p for folder in folders for p in folder.rglob("*")):
        if path.suffix in (".flac", ".wav", ".opus", ".ogg"):
            samples, rate = soundfile.read(path, dtype="float32")
            if rate != RATE or samples.ndim != 1:
                sys.exit(f"{path}: mono at 16 kHz is needed.")
            if len(samples) >= RATE:
                clips.append(samples)
    return clips


def main() -> None:
    """Read the arguments, tune, write the graph."""
    import onnx
    from export_encoder import SHA256, build, read_encoder, read_weights

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("weights", nargs="+", type=Path, help="model.bin, or its halves in order")
    parser.add_argument("--speech", nargs="+", required=True, type=Path, help="folders of speech")
    parser.add_argument("--out", required=True, type=Path, help="the .onnx file to write")
    parser.add_argument("--steps", type=int, default=Settings.n_steps)
    parser.add_argument("--rate", type=float, default=Settings.rate)
    parser.add_argument("--anchor", type=float, default=Settings.anchor)
    parser.add_argument("--seed", type=int, default=Settings.seed)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    content = read_weights(args.weights)
    if hashlib.sha256(content).hexdigest() != SHA256:
        sys.exit("these are not the weights that are needed: see scripts/export_encoder.py.")
    arrays = read_encoder(content)
    clips = read_clips(args.speech)
    if not clips:
        sys.exit("the folders hold no recording of a second or more.")
    print(f"{len(clips)} clips, {sum(map(len, clips)) / RATE / 60:.0f} minutes")
    settings = Settings(args.steps, rate=args.rate, anchor=args.anchor, seed=args.seed)
    torch.set_float32_matmul_precision("high")
    for step, loss, average in Tuning(arrays, clips, args.device).run(settings):
        tuned = average
        if step % 50 == 0:
            print(f"step {step}: loss {loss:.4f}", flush=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(build(tuned.as_arrays(), list(LAYERS)), args.out)
    written = args.out.read_bytes()
    print(f"{args.out}: {len(written)} bytes, SHA-256 {hashlib.sha256(written).hexdigest()}")


if __name__ == "__main__":
    main()
