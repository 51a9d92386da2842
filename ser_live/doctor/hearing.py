"""Checks of the speech detector, the model, and all of it together."""

from __future__ import annotations

import statistics
import time
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ser_live.audio import FrameCutter
from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ, Settings
from ser_live.doctor.check import Check, Verdict
from ser_live.errors import AudioError, SerLiveError
from ser_live.events import EmotionResult, Kind
from ser_live.sources import FileSource, read_recording
from ser_live.speech.detector import VoiceActivityDetector, is_confirming, missing_confirmation

if TYPE_CHECKING:
    from ser_live.model.emotion_model import EmotionModel

SPEECH_SHARE = (0.40, 0.85)
"""Share of speech frames in the bundled recording, from and to; 0.58 to 0.61 were measured."""
MAX_NOISE_SHARE = 0.10
"""Share of speech frames in white noise; 0.00 to 0.04 were measured."""

_KNOWN_S = 12.0
"""Length of the known signals, in seconds."""

SELF_TEST_S = 3.0
"""Longest time the self-test listens, in seconds."""
SELF_TEST_SPEED = 4.0
"""Times real time, so that enough is heard in that; a usual machine could do 10."""
SLOW_MS = 500.0
"""A median latency above this is worth a warning; some 50 ms are usual."""


def demo_samples(duration_s: float) -> NDArray[np.float32]:
    """The beginning of the bundled recording, 16 kHz mono."""
    with as_file(files("ser_live") / "demo.ogg") as path:
        return read_recording(path)[: round(duration_s * SAMPLE_RATE_HZ)]


def _failed(error: SerLiveError) -> Check:
    """Do as ``Check.failed``; but the bundled recording is not the user's to convert."""
    if isinstance(error, AudioError):
        found = "the bundled recording demo.ogg is missing or damaged"
        measured = {"error": str(error)}
        return Check(Verdict.PROBLEM, found, "install ser-live again", measured=measured)
    return Check.failed(error)


def check_detector(settings: Settings) -> Check:
    """Whether the speech detector tells known speech from known noise."""
    noise = 0.03 * np.random.default_rng(0).standard_normal(round(_KNOWN_S * SAMPLE_RATE_HZ))
    try:
        speech = demo_samples(_KNOWN_S)
    except AudioError as error:
        return _failed(error)
    of_speech = _speech_share(speech, settings)
    of_noise = _speech_share(noise.astype(np.float32), settings)
    measured = {
        "speech_share": round(of_speech, 3),
        "noise_share": round(of_noise, 3),
        "confirmed_by_network": is_confirming(settings.vad),
    }
    text = f"{of_speech:.0%} of the known talk is speech, {of_noise:.0%} of noise"
    if not SPEECH_SHARE[0] <= of_speech <= SPEECH_SHARE[1] or of_noise > MAX_NOISE_SHARE:
        return Check(Verdict.PROBLEM, text, "install ser-live again", measured=measured)
    if missing := missing_confirmation(settings.vad):
        found, _, what_it_means = missing.partition(": ")
        return Check(
            Verdict.WARNING, f"{text}; {found}", f"install it; else {what_it_means}", (), measured
        )
    return Check(Verdict.OK, text, measured=measured)


def _speech_share(samples: NDArray[np.float32], settings: Settings) -> float:
    detector = VoiceActivityDetector(settings.vad)
    frames = FrameCutter(FRAME_SAMPLES).push(samples)
    return sum(detector.process(frame).is_speech for frame in frames) / len(frames)


def load_model(name: str | None) -> tuple[EmotionModel, Check]:
    """The model, read as every session reads it, and what its card says."""
    # Late, as the session below: without SciPy the speech detector can still be tried.
    from ser_live.model.emotion_model import EmotionModel

    model = EmotionModel.load(name) if name else EmotionModel.load()
    card = model.card
    measured = {
        "id": card.id,
        "kind": card.kind,
        "weights_sha256": card.weights_sha256,
        "encoder_sha256": card.encoder_sha256,
        "feature_set": card.feature_set_version,
        "licence": card.licence,
    }
    text = f"{card.id}, {card.weights_sha256[:12]}: files fit its card"
    return model, Check(Verdict.OK, text, measured=measured)


def check_session(model: EmotionModel, settings: Settings) -> Check:
    """A session over the beginning of the bundled recording: results, and how fast they come."""
    from ser_live.session.live import LiveSession

    results: list[EmotionResult] = []
    with as_file(files("ser_live") / "demo.ogg") as path:
        source = FileSource(path, speed=SELF_TEST_SPEED)
        with LiveSession([source], model, settings) as session:
            began_s = time.monotonic()
            while not session.finished:
                results += [e for e in session.poll(0.1) if isinstance(e, EmotionResult)]
                if time.monotonic() - began_s > SELF_TEST_S:
                    session.stop()
    if session.first_failure is not None:
        return _failed(session.first_failure)
    return judge_results([result for result in results if result.kind is Kind.FINAL])


def judge_results(results: list[EmotionResult]) -> Check:
    """Judge the final results over the known recording."""
    latencies_ms = [r.latency_ms for r in results if r.probabilities is not None]
    n_judged = len(latencies_ms)
    if not n_judged:
        return Check(
            Verdict.PROBLEM,
            f"the known talk gave {len(results)} utterances, none with an emotion",
            "install ser-live again, or try `--model classic`",
            measured={"n_utterances": len(results), "n_judged": 0},
        )
    median_ms, most_ms = statistics.median(latencies_ms), max(latencies_ms)
    measured = {
        "n_utterances": len(results),
        "n_judged": n_judged,
        "latency_ms_p50": round(median_ms, 1),
        "latency_ms_max": round(most_ms, 1),
    }
    text = f"{n_judged} results, {median_ms:.0f} ms after the utterance, at most {most_ms:.0f} ms"
    if median_ms > SLOW_MS:
        return Check(
            Verdict.WARNING,
            f"{text}: slow",
            "close programs that keep the processor busy, or use `--model classic`",
            measured=measured,
        )
    return Check(Verdict.OK, text, measured=measured)
