"""The confirming network: same frames, same probabilities; refused when altered; not needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from places import ROOT
from voices import noise

from ser_live.audio import FrameCutter
from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ, Settings, VadSettings
from ser_live.errors import ModelError, UsageError
from ser_live.evaluation import segmentation as sg
from ser_live.sources import read_recording
from ser_live.speech.detector import (
    VadDecision,
    VoiceActivityDetector,
    is_confirming,
    missing_confirmation,
)
from ser_live.speech.silero import SILERO_SHA256, Confirmer, SileroVad, bundled_graph, read_graph
from ser_live.synthesis.disturbances import CLATTER, clatter
from ser_live.synthesis.noises import pink_noise

DEMO = ROOT / "ser_live" / "demo.ogg"


def demo_speech() -> np.ndarray:
    """Speech of the bundled demo, 16 kHz mono, from its second second on."""
    samples = read_recording(DEMO)[SAMPLE_RATE_HZ:]
    return samples[: len(samples) // SAMPLE_RATE_HZ * SAMPLE_RATE_HZ]


def decisions(samples: np.ndarray, block: int) -> list[VadDecision]:
    detector, cutter = VoiceActivityDetector(VadSettings(confirm="on")), FrameCutter(FRAME_SAMPLES)
    return [
        detector.process(frame)
        for start in range(0, len(samples), block)
        for frame in cutter.push(samples[start : start + block])
    ]


def in_pink_noise(speech: np.ndarray, snr_db: float, lead_s: float = 4.0) -> np.ndarray:
    """Speech after seconds of noise, in noise of the same level as its loud half."""
    rng = np.random.default_rng(1)
    power = np.square(speech, dtype=np.float64).reshape(-1, 160).mean(axis=1)
    level = np.sqrt(power[power > np.median(power)].mean())
    lead = np.zeros(round(lead_s * SAMPLE_RATE_HZ))
    whole = np.concatenate([lead, speech, lead])
    mixed = whole + level * 10 ** (-snr_db / 20) * pink_noise(len(whole), rng)
    return (0.5 * mixed / np.abs(mixed).max()).astype(np.float32)


def test_state_runs_from_frame_to_frame() -> None:
    """Frames one by one give the probabilities of all at once, and a reset starts afresh."""
    samples = demo_speech()[: 100 * FRAME_SAMPLES]
    network = SileroVad()
    at_once = network.probabilities(samples)
    network.reset()
    one_by_one = [network.probabilities(frame)[0] for frame in samples.reshape(100, -1)]
    assert at_once.max() > 0.9
    assert one_by_one == pytest.approx(at_once, abs=1e-4)


def test_it_says_what_the_published_graph_says() -> None:
    """Arranged as products, the network gives the probabilities of its publisher's graph."""
    published = json.loads((ROOT / "tests" / "golden" / "silero.json").read_text(encoding="utf-8"))
    samples = demo_speech()[: len(published) * FRAME_SAMPLES]
    assert max(published) > 0.9 > 0.1 > min(published)
    assert SileroVad().probabilities(samples) == pytest.approx(published, abs=2e-5)


def test_any_block_size_gives_the_same_decisions() -> None:
    """Blocks of 1 ms, of a prime and of a second: equal to the last bit."""
    samples = in_pink_noise(demo_speech()[: 3 * SAMPLE_RATE_HZ], 10, lead_s=1.0)
    whole = decisions(samples, len(samples))
    assert any(d.is_speech for d in whole)
    for block in (16, 1009, 16000):
        assert repr(decisions(samples, block)) == repr(whole)


def test_later_sound_changes_no_earlier_decision() -> None:
    """Decisions are causal: cutting the stream off leaves those before as they were."""
    samples = in_pink_noise(demo_speech()[: 3 * SAMPLE_RATE_HZ], 10, lead_s=1.0)
    n = 60
    assert repr(decisions(samples, 480)[:n]) == repr(decisions(samples[: n * FRAME_SAMPLES], 480))


def test_it_sleeps_in_digital_silence_and_wakes_for_speech() -> None:
    """Asleep it says 0; a loud frame wakes it for a second."""
    confirmer, quiet = Confirmer(), np.zeros(FRAME_SAMPLES, np.float32)
    assert [confirmer.process(quiet, False) for _ in range(50)] == [0.0] * 50
    loud = noise(0.03, 0.1)
    assert confirmer.process(loud, True) > 0.0
    heard = [confirmer.process(quiet, False) for _ in range(60)]
    n_awake = round(Confirmer.AWAKE_S / 0.03) - 1
    assert all(p > 0 for p in heard[:n_awake])
    assert heard[n_awake:] == [0.0] * (60 - n_awake)


@pytest.mark.parametrize("snr_db", [0, 10])
def test_speech_in_pink_noise_is_found(snr_db: float) -> None:
    """Speech as loud as the noise opens utterances; the noise around it opens none."""
    speech = demo_speech()[: 6 * SAMPLE_RATE_HZ]
    found = sg.segment(in_pink_noise(speech, snr_db), Settings(vad=VadSettings(confirm="on")))
    lead = 4 * SAMPLE_RATE_HZ
    assert found.accepted
    for utterance in found.utterances:
        assert utterance.end_sample > lead
        assert utterance.start_sample < lead + len(speech)


@pytest.mark.parametrize("kind", CLATTER)
def test_clatter_opens_nothing(kind: str) -> None:
    """Typing, clicks, knocks and doors never become utterances."""
    samples = clatter(kind, 30.0, np.random.default_rng(5))
    assert sg.segment(samples, Settings(vad=VadSettings(confirm="on"))).utterances == ()


def test_steady_fan_opens_nothing() -> None:
    """Pink noise with the hum of a motor, switched on after a second of quiet."""
    n = 10 * SAMPLE_RATE_HZ
    time_s = np.arange(n) / SAMPLE_RATE_HZ
    hum = sum(np.sin(2 * np.pi * f * time_s) / k for k, f in enumerate((100, 200, 300), 1))
    fan = 0.05 * pink_noise(n, np.random.default_rng(2)) + 0.02 * hum
    fan[:SAMPLE_RATE_HZ] *= 0.01
    found = sg.segment(fan.astype(np.float32), Settings(vad=VadSettings(confirm="on")))
    assert found.utterances == ()


def test_graph_is_the_known_one() -> None:
    """The bundled file has the hash in the program and in its README."""
    assert read_graph(bundled_graph())
    assert SILERO_SHA256 in (bundled_graph().parent / "README.md").read_text(encoding="utf-8")


def test_altered_graph_is_refused(tmp_path: Path) -> None:
    """One changed byte is refused before onnxruntime sees it."""
    content = bytearray(bundled_graph().read_bytes())
    content[1000] ^= 1
    (tmp_path / "altered.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="altered or cut off"):
        SileroVad(tmp_path / "altered.onnx")


def test_missing_graph_is_refused(tmp_path: Path) -> None:
    """A missing file is named, with the way to do without."""
    with pytest.raises(ModelError, match="--vad-confirm off"):
        SileroVad(tmp_path / "none.onnx")


def test_off_needs_no_network() -> None:
    """Switched off, there is no probability and no note."""
    settings = VadSettings(confirm="off")
    heard = VoiceActivityDetector(settings).process(noise(0.03))
    assert np.isnan(heard.probability)
    assert not is_confirming(settings)
    assert missing_confirmation(settings) == ""


def test_unknown_choice_is_refused() -> None:
    """Only auto, on and off are known."""
    with pytest.raises(UsageError, match="auto, on or off"):
        VadSettings(confirm="maybe")


WITHOUT = """
import sys
sys.modules["onnxruntime"] = None
import numpy as np
from ser_live.config import VadSettings
from ser_live.errors import ModelError
from ser_live.speech.detector import VoiceActivityDetector, missing_confirmation
heard = VoiceActivityDetector().process(np.zeros(480, np.float32))
assert np.isnan(heard.probability)
assert "onnxruntime is not installed" in missing_confirmation(VadSettings())
try:
    VoiceActivityDetector(VadSettings(confirm="on"))
except ModelError as error:
    print(error)
"""


def test_without_onnxruntime_the_cheap_gate_decides() -> None:
    """With its import blocked, auto does without and says so; on is refused."""
    run = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "onnxruntime, which cannot be imported" in run.stdout


def test_the_program_says_once_that_onnxruntime_is_missing() -> None:
    """One note on stderr, results as usual, exit code 0."""
    code = (
        "import sys\n"
        "sys.modules['onnxruntime'] = None\n"
        "from ser_live.cli import main\n"
        f"sys.argv = ['ser-live', 'analyze', {str(DEMO)!r}, '--model', 'classic']\n"
        "main()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stderr.count("onnxruntime is not installed") == 1


def test_importing_the_detector_does_not_import_onnxruntime() -> None:
    """Only the first detector loads it, not the import and not ``--help``."""
    code = (
        "import sys, ser_live, ser_live.speech.detector, ser_live.cli\n"
        "sys.argv = ['ser-live', '--help']\n"
        "try: ser_live.cli.main()\n"
        "except SystemExit: pass\n"
        "assert 'onnxruntime' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.corpus
@pytest.mark.parametrize("kind", ["dog", "rooster", "chainsaw", "church_bells", "cat"])
def test_animals_and_machines_open_hardly_anything(corpus_dir: Path, kind: str) -> None:
    """Voiced sounds that are no speech: at most one utterance in each recording."""
    index = (corpus_dir / "noise" / "index.csv").read_text(encoding="utf-8").splitlines()
    files = [line.split(",")[0] for line in index if kind.replace("_", " ") in line]
    for name in files:
        samples, _ = soundfile.read(corpus_dir / "noise" / name, dtype="float32")
        found = sg.segment(samples, Settings(vad=VadSettings(confirm="on")))
        assert len(found.accepted) <= 1, name
