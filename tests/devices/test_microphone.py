"""The microphone, from a real PortAudio stream of a virtual sound card."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from virtual_microphone import LIKE_THE_PROGRAM, VirtualMicrophone, require_sound_server

pytestmark = pytest.mark.microphone

RECORDER = """
import json, sys, time
import numpy as np
from ser_live.audio import StreamConverter
from ser_live.errors import SerLiveError
from ser_live.sources import Lost, MicrophoneSource

options = json.loads(sys.argv[1])
source = MicrophoneSource(**options)
parts, lost, error, opened_s = [], [], None, time.monotonic()
with source:
    converter = StreamConverter(source.sample_rate, source.n_channels)
    try:
        while not source.exhausted:
            item = source.read(0.2)
            if isinstance(item, Lost):
                lost.append((item.n_samples, item.cause))
            elif item is not None:
                if not parts:
                    print("recording", flush=True)
                parts.append(converter.push(item))
            if time.monotonic() - opened_s > 30 or sys.argv[2] in open(sys.argv[3]).read():
                source.close()
    except SerLiveError as failure:
        error = str(failure)
        failed_s = time.monotonic()
    closing_s = time.monotonic()
closed_s = time.monotonic()
np.save(sys.argv[4], np.concatenate([*parts, converter.flush()]))
print(json.dumps({
    "name": source.name, "sample_rate": source.sample_rate, "n_channels": source.n_channels,
    "lost": lost, "error": error, "exhausted": source.exhausted,
    "close_s": closed_s - closing_s, "after_error": source.read(0.1) is None,
}))
"""


@pytest.fixture
def microphone() -> Iterator[VirtualMicrophone]:
    require_sound_server()
    with VirtualMicrophone() as microphone:
        yield microphone


class Recorder:
    """A process that records from a MicrophoneSource until it is told to stop."""

    def __init__(self, microphone: VirtualMicrophone, folder: Path, **options: object) -> None:
        self.control = folder / "control"
        self.control.write_text("go on")
        self.output = folder / "heard.npy"
        arguments = [json.dumps(options), "stop", str(self.control), str(self.output)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", LIKE_THE_PROGRAM + RECORDER, *arguments],
            env=microphone.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()

    def stop(self) -> dict[str, object]:
        self.control.write_text("stop")
        return self.result()

    def result(self) -> dict[str, object]:
        output, errors = self.process.communicate(timeout=40)
        assert self.process.returncode == 0, errors
        assert errors == "", "native libraries smeared standard error"
        report: dict[str, object] = json.loads(output)
        return report

    def heard(self) -> NDArray[np.float32]:
        heard: NDArray[np.float32] = np.load(self.output)
        return heard


def speechlike(rate: int, duration_s: float = 1.0) -> NDArray[np.float32]:
    """A chirp with a syllable rhythm: nothing in it repeats, so alignment is unique."""
    t = np.arange(round(rate * duration_s)) / rate
    chirp = np.sin(2 * np.pi * (200 * t + 400 * t**2))
    return (0.4 * chirp * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))).astype(np.float32)


def aligned_correlation(played: NDArray[np.float32], heard: NDArray[np.float32]) -> float:
    """Correlation of what was played with the part of the recording that fits it best."""
    n = 1 << (len(heard) + len(played)).bit_length()
    spectrum = np.fft.rfft(heard, n) * np.conj(np.fft.rfft(played, n))
    lag = int(np.argmax(np.fft.irfft(spectrum, n)[: len(heard) - len(played) + 1]))
    return float(np.corrcoef(played, heard[lag : lag + len(played)])[0, 1])


def play(microphone: VirtualMicrophone, folder: Path, rate: int, n_channels: int = 1) -> None:
    path = folder / "played.wav"
    # The sound server swallows up to 20 ms at the beginning of whatever is played.
    signal = np.concatenate([np.zeros(rate // 10, np.float32), speechlike(rate)])
    soundfile.write(path, np.tile(signal[:, np.newaxis], n_channels), rate)
    time.sleep(0.3)
    microphone.play(path)
    time.sleep(0.5)


def run(microphone: VirtualMicrophone, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LIKE_THE_PROGRAM + code],
        env=microphone.environment,
        capture_output=True,
        text=True,
        timeout=30,
    )


class TestRecording:
    def test_hears_what_was_played(self, microphone, tmp_path):
        """The default device gives what was played, sample for sample, without a loss."""
        recorder = Recorder(microphone, tmp_path)
        play(microphone, tmp_path, 16000)
        report = recorder.stop()
        assert report["sample_rate"] == 16000
        assert report["n_channels"] == 1
        assert report["lost"] == []
        assert report["error"] is None
        assert report["exhausted"] is True
        assert aligned_correlation(speechlike(16000), recorder.heard()) > 0.99999

    def test_stereo_48_khz_is_resampled(self, tmp_path):
        """A stereo 48 kHz device, chosen by part of its name, is heard as well."""
        require_sound_server()
        with VirtualMicrophone(rate=48000, channels=2) as microphone:
            recorder = Recorder(microphone, tmp_path, device="VMI", sample_rate=48000, n_channels=2)
            play(microphone, tmp_path, 48000, n_channels=2)
            report = recorder.stop()
        assert report["name"] == "vmic"
        assert report["sample_rate"] == 48000
        assert report["n_channels"] == 2
        # The recording may begin at any of the three 48 kHz samples within one at 16 kHz.
        phases = [speechlike(48000)[phase::3] for phase in range(3)]
        assert max(aligned_correlation(p, recorder.heard()) for p in phases) > 0.999


class TestTrouble:
    @pytest.mark.parametrize("end", ["kill", "unplug"])
    def test_device_disappears(self, microphone, tmp_path, end):
        """A device that disappears is one clear sentence, and what was heard is kept."""
        recorder = Recorder(microphone, tmp_path, device="vmic")
        time.sleep(0.5)
        getattr(microphone, end)()
        report = recorder.result()
        assert "vmic stopped delivering audio after" in str(report["error"])
        assert report["exhausted"] is True
        assert report["after_error"] is True
        assert len(recorder.heard()) > 4000

    def test_stalled_server(self, microphone, tmp_path):
        """A device that stalls silently is noticed, and closing it does not hang."""
        recorder = Recorder(microphone, tmp_path, device="vmic")
        microphone.freeze()
        try:
            report = recorder.result()
        finally:
            microphone.thaw()
        assert "vmic stopped delivering audio after" in str(report["error"])
        assert float(str(report["close_s"])) < 3.0

    def test_slow_reader_is_told_its_losses(self, microphone):
        """A reader that sleeps gets every sample that fitted and the count of the others."""
        code = """
import time
from ser_live.sources import Lost, MicrophoneSource
with MicrophoneSource(buffer_s=0.5) as source:
    while source.read(1) is None:
        pass
    began_s = time.monotonic()
    time.sleep(1.5)
    n, lost = 0, 0
    while time.monotonic() - began_s < 3:
        item = source.read(0.1)
        if isinstance(item, Lost):
            assert item.cause == "overflow", item
            lost += item.n_samples
        elif item is not None:
            n += len(item)
print((n + lost) / 16000, lost / 16000)
"""
        result = run(microphone, code)
        assert result.returncode == 0, result.stderr
        total_s, lost_s = map(float, result.stdout.split())
        assert total_s == pytest.approx(3.0, abs=0.4)
        assert lost_s == pytest.approx(1.0, abs=0.4)

    def test_loss_in_the_device(self, microphone):
        """Audio that the device reports as lost stands at its place, as long as it lasted."""
        code = """
from types import SimpleNamespace
from ser_live.sources import Lost, MicrophoneSource

class Overflowing(MicrophoneSource):
    n_seen = 0
    def _callback(self, block, n_samples, times, status):
        self.n_seen += 1
        if 20 < self.n_seen <= 40:
            return
        status = SimpleNamespace(input_overflow=self.n_seen == 41)
        super()._callback(block, n_samples, times, status)

n = 0
with Overflowing(block_s=0.03) as source:
    while not isinstance(item := source.read(1), Lost):
        n += 0 if item is None else len(item)
    print(n, item.n_samples, item.cause, len(source.read(1)) > 0)
"""
        result = run(microphone, code)
        n, n_lost, *rest = result.stdout.split()
        assert (int(n), *rest) == (20 * 480, "device", "True"), result.stderr
        assert int(n_lost) == pytest.approx(20 * 480, abs=1600)

    def test_a_sleeping_sound_card_leaves_a_gap(self, microphone):
        """A card suspended for a second says nothing of it; the missing second is a loss."""
        code = """
import time
from ser_live.sources import Lost, MicrophoneSource
n, lost = 0, []
with MicrophoneSource() as source:
    while source.read(1) is None:
        pass
    print("recording", flush=True)
    while not lost or len(source.read(1)) == 0:
        item = source.read(1)
        if isinstance(item, Lost):
            lost.append(item)
print([(item.n_samples / 16000, str(item.cause)) for item in lost])
"""
        process = subprocess.Popen(
            [sys.executable, "-c", LIKE_THE_PROGRAM + code],
            env=microphone.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(1.0)
        microphone.suspend()
        time.sleep(1.0)
        microphone.resume()
        output, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
        ((lost_s, cause),) = ast.literal_eval(output)
        assert cause == "stalled"
        assert lost_s == pytest.approx(1.0, abs=0.5)


class TestLibrary:
    def test_an_open_microphone_leaves_the_process_alone(self, microphone):
        """A program that listens keeps its standard error, environment and signal handlers."""
        code = """
import os, signal, sys
from ser_live.sources import MicrophoneSource, ReconnectingMicrophone

def process():
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    return dict(os.environ), os.fstat(2), sys.stderr, handlers

before = process()
for kind in (MicrophoneSource, ReconnectingMicrophone):
    with kind() as source:
        while source.read(1) is None:
            pass
        assert process() == before, kind
    assert process() == before, kind
print("alone")
"""
        result = subprocess.run(
            [sys.executable, "-c", code],
            env=microphone.environment,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert result.stdout == "alone\n", result.stderr


class TestDevices:
    def test_list(self, microphone):
        """The list has the device with its rates, and marks one default."""
        code = """
from ser_live.sources.devices import accepted_rates, find_device, list_devices
devices = list_devices()
device = find_device("vmic")
print(sum(d.is_default for d in devices), device.host_api, accepted_rates(device))
"""
        result = run(microphone, code)
        assert result.stdout == "1 ALSA (8000, 16000, 22050, 32000, 44100, 48000, 96000)\n"
        assert result.stderr == ""

    def test_reading_the_list_anew_costs_no_memory(self, microphone):
        """A device can be looked for all day: 100 readings of an empty list keep nothing."""
        microphone.kill()
        code = """
from pathlib import Path
from ser_live.sources.devices import list_devices, read_devices_anew

def memory_kb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4

for _ in range(20):
    read_devices_anew()
before_kb = memory_kb()
for _ in range(100):
    read_devices_anew()
print(len(list_devices()), memory_kb() - before_kb)
"""
        result = run(microphone, code)
        n_devices, grown_kb = map(int, result.stdout.split())
        assert n_devices == 0
        # 12 kB a time without holding ALSA's plugins.
        assert grown_kb < 100
        assert result.stderr == ""

    def test_a_device_plugged_in_later_is_seen(self, microphone):
        """The list that is read anew has a sound server that was not there before."""
        microphone.kill()
        code = """
import sys
from ser_live.sources.devices import list_devices, read_devices_anew
print(len(list_devices()), flush=True)
sys.stdin.readline()
read_devices_anew()
print([device.name for device in list_devices() if device.name == "vmic"])
"""
        process = subprocess.Popen(
            [sys.executable, "-c", LIKE_THE_PROGRAM + code],
            env=microphone.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        microphone.start()
        output, _ = process.communicate("\n", timeout=30)
        assert output == "['vmic']\n"

    def test_no_device(self, microphone):
        """Without any device the sentence says so."""
        microphone.kill()
        code = """
from ser_live.errors import DeviceError
from ser_live.sources import MicrophoneSource
try:
    MicrophoneSource().open()
except DeviceError as error:
    print(error)
"""
        result = run(microphone, code)
        assert result.stdout.startswith("No input device was found, but a microphone is needed")
        assert result.stderr == ""
