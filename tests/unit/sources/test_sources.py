"""Recordings, pipes and arrays as sources."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import hostile_audio
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ser_live.errors import AudioFileError, DeviceError, InvalidAudioError, UsageError
from ser_live.events.kinds import Cause
from ser_live.sources import (
    ArraySource,
    AudioSource,
    FileSource,
    Lost,
    MicrophoneSource,
    PcmSource,
    PushedSource,
    ReconnectingMicrophone,
    read_recording,
)
from ser_live.sources.devices import list_devices
from ser_live.sources.microphone_hint import microphone_hint
from ser_live.sources.protocol import SILENT_RECORDING

QUIET = np.zeros(100, np.float32)


def drain(source: AudioSource) -> NDArray[np.float32]:
    """Everything that an open source gives."""
    blocks = [np.zeros((0, source.n_channels), np.float32)]
    while not source.exhausted:
        block = source.read(0.1)
        assert not isinstance(block, Lost)
        if block is not None:
            assert block.dtype == np.float32
            assert block.ndim == 2
            assert len(block) > 0
            blocks.append(block)
    return np.concatenate(blocks)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "tone.wav"
    soundfile.write(path, hostile_audio.tone(16000, 0.5), 16000)
    return path


def blocks_of(source: AudioSource) -> Iterator[NDArray[np.float32]]:
    """Blocks until there is none."""
    while (block := source.read(0)) is not None:
        yield block


class TestFileSource:
    @pytest.mark.parametrize("kind", hostile_audio.UNUSUAL)
    def test_unusual(self, kind, tmp_path):
        """Every rate, depth, channel count, format and name that exists is read whole."""
        build, rate, n_channels, n_samples = hostile_audio.UNUSUAL[kind]
        path = build(tmp_path)
        with FileSource(path, speed=0) as source:
            samples = drain(source)
        assert source.name == path.name
        assert source.file == str(path)
        assert (source.sample_rate, source.n_channels) == (rate, n_channels)
        assert samples.shape == (n_samples, n_channels)
        whole = hostile_audio.tone(rate, n_channels=n_channels)[:n_samples]
        assert float(np.abs(samples - whole).mean()) < 0.02

    @pytest.mark.parametrize("kind", hostile_audio.REFUSED)
    def test_refused(self, kind, tmp_path):
        """What holds no audio is refused when opened, in one sentence."""
        build, error, sentence = hostile_audio.REFUSED[kind]
        source = FileSource(build(tmp_path), speed=0)
        with pytest.raises(error, match=sentence):
            source.open()

    @pytest.mark.parametrize("kind", hostile_audio.BROKEN_OFF)
    def test_broken_off(self, kind, tmp_path):
        """What breaks off is heard up to there, then one sentence, then it is exhausted."""
        build, error, sentence, least_s = hostile_audio.BROKEN_OFF[kind]
        n = 0
        with FileSource(build(tmp_path), speed=0) as source:

            def read_on() -> None:
                nonlocal n
                while (block := source.read(0)) is not None:
                    n += len(block)

            with pytest.raises(error, match=sentence):
                read_on()
            assert source.exhausted
            assert source.read(0) is None
        assert n / source.sample_rate >= least_s

    @pytest.mark.parametrize("kind", hostile_audio.BROKEN_OFF)
    @pytest.mark.parametrize("block_s", [0.06, 1.0, 7.0])
    def test_broken_off_is_heard_up_to_there_in_blocks_of_any_length(self, kind, block_s, tmp_path):
        """However long the blocks are: nothing before the damage is lost."""
        build, error, _, _ = hostile_audio.BROKEN_OFF[kind]
        path = build(tmp_path)

        def heard(source):
            parts = []
            with source, pytest.raises(error):
                parts.extend(blocks_of(source))
            return np.concatenate(parts)

        usual = heard(FileSource(path, speed=0))
        assert np.array_equal(heard(FileSource(path, speed=0, block_s=block_s)), usual)

    @pytest.mark.parametrize("block_s", [0.06, None, 1.0])
    def test_sound_before_a_bad_sample_is_heard(self, block_s, tmp_path):
        """Up to the sample before it, however long the blocks are."""
        samples = hostile_audio.tone(16000, 2.0)
        samples[20_001] = np.nan
        path = tmp_path / "bad.wav"
        soundfile.write(path, samples, 16000, subtype="FLOAT")
        heard = []
        with FileSource(path, speed=0, block_s=block_s) as source:
            with pytest.raises(InvalidAudioError, match="sample 20001 "):
                heard.extend(blocks_of(source))
            assert source.exhausted
        assert sum(map(len, heard)) == 20_001

    def test_a_block_may_be_longer_than_what_is_decoded_at_once(self, tmp_path):
        """Blocks have the length that was asked for; the last one has what is left."""
        path = tmp_path / "long.wav"
        soundfile.write(path, hostile_audio.tone(16000, 3.3), 16000)
        with FileSource(path, speed=0, block_s=1.0) as source:
            blocks = [source.read(0) for _ in range(4)]
            assert source.read(0) is None
        assert [len(block) for block in blocks] == [16000, 16000, 16000, 4800]

    def test_no_permission(self, wav):
        """A file that may not be read is refused."""
        wav.chmod(0)
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        if is_root:
            os.seteuid(65534)
        try:
            if os.access(wav, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
                pytest.skip("this system lets everybody read every file")
            with pytest.raises(AudioFileError, match="without permission to read it"):
                FileSource(wav).open()
        finally:
            if is_root:
                os.seteuid(0)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
    def test_named_pipe(self, tmp_path):
        """A named pipe is refused at once instead of waiting for a writer."""
        os.mkfifo(tmp_path / "pipe.wav")
        with pytest.raises(AudioFileError, match="not a regular file"):
            FileSource(tmp_path / "pipe.wav").open()

    @pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
    def test_name_that_is_no_text(self, tmp_path, wav):
        """A name whose bytes are no valid text is read, and shown with a replacement sign."""
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
        wav.rename(path)
        with FileSource(path, speed=0) as source:
            assert source.name == "caf\ufffd.wav"
            assert len(drain(source)) == 8000

    def test_huge_file_is_streamed(self, tmp_path):
        """A file of 3.9 GB opens at once and its beginning costs little memory."""
        tracemalloc.start()
        with FileSource(hostile_audio.huge(tmp_path), speed=0) as source:
            blocks = [source.read(0) for _ in range(500)]
            _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert sum(len(block) for block in blocks if isinstance(block, np.ndarray)) >= 150_000
        assert peak < 10e6

    @pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
    def test_block_length_changes_nothing(self, suffix, tmp_path):
        """Blocks of any length give the same bits."""
        path = tmp_path / f"noise.{suffix}"
        noise = 0.1 * np.random.default_rng(3).standard_normal(30000)
        soundfile.write(path, noise, 16000)
        heard = []
        for block_s in (0.0001, 0.02, 0.0333, 5.0):
            with FileSource(path, speed=0, block_s=block_s) as source:
                heard.append(drain(source))
        assert all(np.array_equal(other, heard[0]) for other in heard[1:])

    @pytest.mark.parametrize("speed", [-1.0, float("nan"), float("inf")])
    def test_impossible_speed(self, speed, wav):
        """A speed that is negative or no number is refused."""
        with pytest.raises(UsageError, match="as fast as possible"):
            FileSource(wav, speed=speed)

    def test_close_twice(self, wav):
        """Closing early ends the source; closing again is harmless."""
        source = FileSource(wav, speed=0)
        source.open()
        assert source.read(0) is not None
        source.close()
        source.close()
        assert source.exhausted
        assert source.read(0) is None


class TestPacing:
    @pytest.mark.parametrize("speed", [1.0, 4.0])
    def test_real_time(self, speed, wav):
        """The last block comes when its last sample would have been captured, not earlier."""
        took_s = []
        for _ in range(3):
            with FileSource(wav, speed=speed) as source:
                began_s = time.monotonic()
                assert len(drain(source)) == 8000
                took_s.append(time.monotonic() - began_s)
        # A busy machine may be late, hardly three times over.
        assert 0.5 / speed <= min(took_s) < 0.5 / speed + 0.3

    def test_nothing_before_it_is_due(self, wav):
        """Read without patience gives nothing until the block is due, then the block."""
        with FileSource(wav, block_s=0.2) as source:
            began_s = time.monotonic()
            assert source.read(0) is None
            assert source.read(0.01) is None
            assert time.monotonic() - began_s < 0.2
            block = source.read(5)
            assert isinstance(block, np.ndarray)
            assert time.monotonic() - began_s >= 0.2
            assert len(block) == 3200

    def test_late_reader_catches_up(self, wav):
        """A reader that paused gets what is overdue at once: the pace does not drift."""
        took_s = []
        for _ in range(3):
            with FileSource(wav) as source:
                began_s = time.monotonic()
                assert source.read(1) is not None
                time.sleep(0.4)
                drain(source)
                took_s.append(time.monotonic() - began_s)
        assert min(took_s) < 0.8


class TestMedia:
    @pytest.fixture(autouse=True)
    def _needs_pyav(self) -> None:
        pytest.importorskip("av", reason="the optional extra `media` is not installed")

    @pytest.mark.parametrize("suffix", ["m4a", "mp4", "mkv", "aac"])
    def test_sound_track(self, suffix, tmp_path):
        """The sound track of media files is read, with or without a picture."""
        path = hostile_audio.media(tmp_path / f"talk.{suffix}", video=suffix in ("mp4", "mkv"))
        with FileSource(path, speed=0) as source:
            samples = drain(source)
        assert (source.sample_rate, source.n_channels) == (44100, 2)
        assert len(samples) / 44100 == pytest.approx(1.0, abs=0.1)
        inner = samples[8000:36000]
        assert float(np.sqrt(np.mean(inner[:, 0] ** 2))) == pytest.approx(0.354, abs=0.02)
        assert float(np.sqrt(np.mean(inner[:, 1] ** 2))) == pytest.approx(0.177, abs=0.02)

    def test_no_audio_track(self, tmp_path):
        """A video-only recording is told from one that is broken."""
        path = hostile_audio.media(tmp_path / "02-01-06-01-02-01-12.mp4", rate=None, video=True)
        with pytest.raises(AudioFileError, match=r"02-01-06-01-02-01-12.mp4 has no audio track"):
            FileSource(path).open()

    def test_truncated(self, tmp_path):
        """A cut-off mp4, which has lost its index, is refused."""
        path = hostile_audio.media(tmp_path / "cut.m4a")
        path.write_bytes(path.read_bytes()[:3000])
        with pytest.raises(AudioFileError, match=r"cut\.m4a is a media file that cannot be"):
            FileSource(path).open()

    def test_without_pyav(self, tmp_path, monkeypatch):
        """Without PyAV the sentence says what to install."""
        path = hostile_audio.media(tmp_path / "talk.m4a")
        monkeypatch.setitem(sys.modules, "av", None)
        with pytest.raises(AudioFileError, match=r'pip install "ser-live\[media\]"'):
            FileSource(path).open()


class TestPcmSource:
    def pcm(self, samples: NDArray[np.int16]) -> bytes:
        return samples.astype("<i2").tobytes()

    def test_values(self):
        """Full scale of 16 bits is [-1, 1), channels are interleaved."""
        data = self.pcm(np.array([0, 16384, -32768, 32767], np.int16))
        with PcmSource(io.BytesIO(data), 16000, 2) as source:
            samples = drain(source)
        assert samples.tolist() == [[0.0, 0.5], [-1.0, 32767 / 32768]]

    @given(
        cuts=st.lists(st.integers(1, 50), min_size=1, max_size=30),
        n_channels=st.integers(1, 3),
        n_extra=st.integers(0, 5),
    )
    def test_any_short_reads(self, cuts, n_channels, n_extra):
        """Reads of any odd length give every sample; bytes left over are no sample."""
        pcm = np.random.default_rng(4).integers(-30000, 30000, (40, n_channels), np.int16)
        n_extra %= 2 * n_channels
        data = self.pcm(pcm) + b"\x01" * n_extra
        source = PcmSource(_ShortReads(data, cuts), 16000, n_channels)
        with source:
            samples = drain(source)
        assert np.array_equal(samples, pcm.astype(np.float32) / 32768)

    @pytest.mark.skipif(sys.platform == "win32", reason="pipes have no time limit on Windows")
    def test_time_limit_on_a_pipe(self):
        """A pipe without data is waited for no longer than asked."""
        reader, writer = os.pipe()
        with open(reader, "rb") as stream, PcmSource(stream) as source:  # noqa: PTH123
            began_s = time.monotonic()
            assert source.read(0.05) is None
            assert time.monotonic() - began_s < 1.0
            assert not source.exhausted
            os.write(writer, self.pcm(np.arange(10, dtype=np.int16)))
            block = source.read(1.0)
            assert isinstance(block, np.ndarray)
            assert len(block) == 10
            os.close(writer)
            assert source.read(1.0) is None
            assert source.exhausted

    def test_standard_input(self):
        """Standard input of a process works, written slowly in odd pieces."""
        code = """
import sys
from ser_live.sources import PcmSource
n = 0
with PcmSource(sys.stdin.buffer, 8000, 1) as source:
    while not source.exhausted:
        block = source.read(0.1)
        n += 0 if block is None else len(block)
print(n)
"""
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin is not None
        stdin = process.stdin

        def feed() -> None:
            for _ in range(7):
                stdin.write(b"\x01\x02" * 500 + b"\x03")
                stdin.flush()
                time.sleep(0.02)
            stdin.close()

        writer = threading.Thread(target=feed)
        writer.start()
        writer.join(timeout=20)
        assert process.stdout is not None
        assert process.stdout.read().split() == [b"3503"]
        process.stdout.close()
        assert process.wait(timeout=20) == 0

    def test_nothing(self):
        """A pipe that ends without a byte is an error, not a silent success."""
        source = PcmSource(io.BytesIO(b""))
        with pytest.raises(AudioFileError, match="ended without a single byte"):
            source.open()
        assert source.exhausted

    @pytest.mark.parametrize(("begin", "kind"), [(b"RIFF", "wav"), (b"fLaC", "flac")])
    def test_audio_file_in_the_pipe(self, begin, kind):
        """What only looks like a recording is told, instead of being heard as noise."""
        with (
            pytest.raises(AudioFileError, match=f"begins like {kind} but cannot be decoded"),
            PcmSource(io.BytesIO(begin + bytes(100))) as source,
        ):
            drain(source)

    def test_broken_pipe(self):
        """A stream that fails is one sentence."""
        stream = io.BytesIO(b"12")
        stream.close()
        with pytest.raises(AudioFileError, match=r"Standard input broke off \("):
            PcmSource(stream).open()

    def test_impossible_format(self):
        """Rates and channel counts that cannot be are refused."""
        with pytest.raises(InvalidAudioError, match="sample rate of 100 Hz"):
            PcmSource(io.BytesIO(b""), 100).open()
        with pytest.raises(InvalidAudioError, match="0 channels"):
            PcmSource(io.BytesIO(b""), 16000, 0).open()


class _ShortReads(io.RawIOBase):
    """A stream that gives as few bytes as its cuts say."""

    def __init__(self, data: bytes, cuts: list[int]) -> None:
        self._data = data
        self._cuts: Iterator[int] = iter(cuts)

    def read(self, size: int = -1) -> bytes:
        n = next(self._cuts, 7)
        part, self._data = self._data[:n], self._data[n:]
        return part


class TestArraySource:
    @given(n=st.integers(1, 2000), sizes=st.lists(st.integers(1, 700), min_size=1, max_size=5))
    def test_cut_into_any_blocks(self, n, sizes):
        """The blocks put together are the array."""
        samples = np.random.default_rng(5).standard_normal((n, 2)).astype(np.float32)
        with ArraySource(samples, 48000, sizes) as source:
            assert np.array_equal(drain(source), samples)

    def test_mono(self):
        """A vector is one channel."""
        with ArraySource(np.zeros(5)) as source:
            assert drain(source).shape == (5, 1)

    def test_block_size(self):
        """A block of no samples is a mistake of the program."""
        with pytest.raises(ValueError, match="must be positive"):
            ArraySource(np.zeros(5), block_sizes=[3, 0])


class TestReadRecording:
    def test_same_as_replay(self, tmp_path):
        """Reading whole gives 16 kHz mono: one channel, or the mean."""
        path = hostile_audio.eight_channels(tmp_path)
        second = read_recording(path, channel=1)
        assert second.shape == (16000,)
        assert float(np.sqrt(np.mean(second[2000:14000] ** 2))) == pytest.approx(0.177, abs=0.002)

    def test_channel_out_of_range(self, wav):
        """A channel that the recording lacks is refused."""
        with pytest.raises(UsageError, match=r"Channel 3 \(counted from 1\) was asked for"):
            read_recording(wav, channel=2)

    @pytest.mark.corpus
    def test_real_recordings(self, corpus_dir):
        """Originals at 48 kHz, mono and stereo, and their published 16 kHz twins agree."""
        originals = sorted((corpus_dir / "ravdess_48k").rglob("*.wav"))
        assert originals
        for original in originals:
            actor = int(original.stem.split("-")[-1])
            twin = corpus_dir / "ravdess" / f"Actor_{actor:02d}" / f"{original.stem}.flac"
            ours, theirs = read_recording(original), read_recording(twin)
            assert abs(len(ours) - len(theirs)) <= 1
            n = min(len(ours), len(theirs))
            assert float(np.corrcoef(ours[:n], theirs[:n])[0, 1]) > 0.999


class TestPushedSource:
    def test_everything_pushed_is_read(self):
        """Floats, 16-bit integers and bytes cut anywhere give the same samples, in order."""
        pcm = np.random.default_rng(5).integers(-30000, 30000, (300, 2), np.int16)
        floats = pcm.astype(np.float32) / 32768
        data = pcm[200:].astype("<i2").tobytes()
        with PushedSource("call", 8000, 2) as source:
            assert source.push(floats[:100])
            assert source.push(pcm[100:200])
            assert all(source.push(data[start : start + 7]) for start in range(0, len(data), 7))
            assert not source.exhausted
            source.finish()
            assert np.array_equal(drain(source), floats)
            assert source.exhausted

    def test_a_full_buffer_refuses_and_tells(self):
        """Blocks that find no room are lost whole, and the reader learns how much, in place."""
        ramp = np.arange(10, dtype=np.float32)
        with PushedSource("call", 8000, buffer_s=8 / 8000) as source:
            assert source.push(ramp[:6])
            assert not source.push(ramp[6:9])
            assert not source.push(ramp[6:10])
            assert source.read(0).ravel().tolist() == ramp[:6].tolist()
            assert source.push(ramp[:2])
            assert source.read(0) == Lost(7, Cause.OVERFLOW)
            assert source.read(0).ravel().tolist() == [0.0, 1.0]

    def test_a_loss_at_the_end(self):
        """What is refused last is told when the stream is finished."""
        source = PushedSource("call", 8000, buffer_s=4 / 8000)
        source.push(QUIET[:4])
        source.push(QUIET[:3])
        source.finish()
        assert len(source.read(0)) == 4
        assert not source.exhausted
        assert source.read(0) == Lost(3, Cause.OVERFLOW)
        assert source.exhausted

    def test_the_reader_wakes(self):
        """A reader that waits gets a block from another thread at once, and the end too."""
        source = PushedSource("call")
        for act, wanted in ((lambda: source.push(QUIET[:5]), 5), (source.finish, 0)):
            began_s = time.monotonic()
            threading.Timer(0.05, act).start()
            block = source.read(20.0)
            assert (0 if block is None else len(block)) == wanted
            assert time.monotonic() - began_s < 10.0

    def test_the_time_limit(self):
        """Without audio the reader waits as long as it said, and the stream goes on."""
        source = PushedSource("call")
        began_s = time.monotonic()
        assert source.read(0.05) is None
        assert 0.05 <= time.monotonic() - began_s < 5.0
        assert not source.exhausted

    def test_after_the_end_nothing_is_taken(self):
        """Closing keeps what was pushed before and takes nothing more, without an error."""
        source = PushedSource("call")
        source.push(QUIET[:5])
        source.close()
        assert not source.push(QUIET[:5])
        assert len(source.read(0)) == 5
        assert source.exhausted

    @pytest.mark.parametrize(
        ("block", "message"),
        [
            (np.zeros((5, 2), np.float32), r"shape \(5, 2\) for call, but \(n, 1\)"),
            (np.zeros(160_001, np.float32), r"n up to 160000 is needed"),
            (np.zeros(5, np.float64), "type float64, but float32 or int16"),
        ],
    )
    def test_blocks_that_do_not_fit(self, block, message):
        """Another shape, type, or more than the buffer could ever hold is refused."""
        with pytest.raises(InvalidAudioError, match=message):
            PushedSource("call").push(block)

    def test_no_channels(self):
        """A stream without channels is refused before anything is pushed."""
        with pytest.raises(InvalidAudioError, match="call has 0 channels"):
            PushedSource("call", 16_000, 0)

    def test_any_pace(self):
        """With a hurried writer every sample is given or counted as lost, in order."""
        n_blocks, n = 400, 160
        source = PushedSource("call", buffer_s=0.1)

        def push_all() -> None:
            for k in range(n_blocks):
                source.push(np.arange(k * n, (k + 1) * n, dtype=np.float32))
            source.finish()

        writer = threading.Thread(target=push_all)
        writer.start()
        clock = 0
        while not source.exhausted:
            item = source.read(1.0)
            if isinstance(item, Lost):
                clock += item.n_samples
            elif item is not None:
                assert item[0, 0] == clock
                assert item[-1, 0] == clock + len(item) - 1
                clock += len(item)
        writer.join(timeout=5)
        assert clock == n_blocks * n


class TestProtocol:
    def test_imports_are_lazy(self):
        """Importing the sources loads no audio library."""
        code = (
            "import ser_live.sources, sys;"
            "print({'sounddevice', 'soundfile', 'soxr', 'av', 'scipy'} & set(sys.modules))"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert run.stdout.strip() == "set()"

    def test_the_process_is_left_alone(self, tmp_path):
        """Sources and devices change neither standard error, environment nor signals."""

        def process() -> tuple[object, ...]:
            handlers = [signal.getsignal(number) for number in signal.valid_signals()]
            # pytest's capturing writes to the file behind descriptor 2: only which one counts.
            place = os.fstat(2)
            return dict(os.environ), (place.st_dev, place.st_ino), sys.stderr, handlers

        before = process()
        mp3 = tmp_path / "tone.mp3"
        soundfile.write(mp3, hostile_audio.tone(16000, 0.5), 16000, format="MP3")
        pcm = PcmSource(io.BytesIO(bytes(320)))
        pushed = PushedSource("call")
        pushed.push(QUIET)
        for source in (FileSource(mp3, speed=0), pcm, ArraySource(QUIET), pushed):
            with source:
                assert source.read(1.0) is not None
                assert process() == before, source.name
            assert process() == before, source.name
        with suppress(DeviceError):  # without PortAudio, on the way to that error
            list_devices()
        assert process() == before

    def test_which_are_live(self):
        """Only a microphone and what is pushed cannot wait."""
        kinds = (
            MicrophoneSource,
            ReconnectingMicrophone,
            PushedSource,
            FileSource,
            PcmSource,
            ArraySource,
        )
        assert [kind.is_live for kind in kinds] == [True, True, True, False, False, False]

    def test_hints_for_zeros(self):
        """Only a microphone may be muted; each source says what its zeros may mean."""
        for microphone in (MicrophoneSource(), ReconnectingMicrophone()):
            assert microphone.no_signal_hint == microphone_hint(sys.platform)
        for recording in (FileSource("talk.wav"), PcmSource(io.BytesIO()), ArraySource(QUIET)):
            assert recording.no_signal_hint == SILENT_RECORDING
        assert "what is sent to call 7" in PushedSource("call 7").no_signal_hint

    def test_mac_gets_the_permission_hint(self):
        """Only on macOS does the sentence speak of the system's permission first."""
        assert "Privacy & Security > Microphone" in microphone_hint("darwin")
        assert "Privacy" not in microphone_hint("linux")
        for platform in ("darwin", "linux", "win32"):
            assert "unmute the microphone" in microphone_hint(platform)

    def test_microphone_before_open(self):
        """A microphone that was never opened gives nothing and closes quietly."""
        for source in (MicrophoneSource(), ReconnectingMicrophone()):
            assert source.read(0) is None
            source.close()
            assert source.exhausted


@pytest.mark.parametrize(
    ("path", "sentence"), [("", "an empty file name"), (".", r"\. is a folder")]
)
def test_a_path_without_a_name(path, sentence):
    """The sentence about it names what was given."""
    with pytest.raises(AudioFileError, match=sentence):
        FileSource(path).open()
