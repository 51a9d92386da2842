"""All of the sound of a recording is heard, or a sentence says that it was not."""

from __future__ import annotations

import re
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import odd_recordings as odd
import pytest
from odd_recordings import LENGTH_S, RATE, sound

import ser_live
from ser_live.errors import AudioFileError
from ser_live.sources import FileSource, Lost, read_recording

DEMO = Path(ser_live.__file__).parent / "demo.ogg"

PADDED_S = 0.12
"""So much coders add at most, by filling their last block."""

UNHEARD_S = 0.05


@dataclass
class Heard:
    """What a source gave."""

    samples: np.ndarray
    rate: int
    lost: list[Lost] = field(default_factory=list)
    lost_at_s: list[float] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    error: str = ""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    @property
    def lost_s(self) -> float:
        return sum(lost.n_samples for lost in self.lost) / self.rate


def hear(path: Path, track: int | None = None) -> Heard:
    """Everything that a recording gives, up to its end."""
    blocks = []
    heard = Heard(np.zeros(0), 1)
    position = 0
    with FileSource(path, speed=0, track=track) as source:
        heard.rate = source.sample_rate
        try:
            while not source.exhausted:
                item = source.read(0)
                if isinstance(item, Lost):
                    heard.lost.append(item)
                    heard.lost_at_s.append(position / source.sample_rate)
                    position += item.n_samples
                elif isinstance(item, np.ndarray):
                    blocks.append(item)
                    position += len(item)
        except AudioFileError as error:
            heard.error = str(error)
        heard.notes = tuple(source.notes)
    heard.samples = np.concatenate(blocks)
    return heard


@pytest.fixture(params=["with PyAV", "without PyAV"])
def _either_way(request, monkeypatch):
    """Both installations: the optional extra `media` may be missing."""
    if request.param == "without PyAV":
        monkeypatch.setitem(sys.modules, "av", None)
    else:
        pytest.importorskip("av", reason="the optional extra `media` is not installed")


@pytest.mark.usefixtures("_either_way")
class TestWithAndWithoutMedia:
    @pytest.mark.parametrize("kind", odd.WHOLE)
    def test_whole(self, kind, tmp_path):
        """What is whole is heard whole, whatever its header says, and is not called damaged."""
        build, length_s = odd.WHOLE[kind]
        heard = hear(build(tmp_path / "x"))
        assert heard.error == ""
        assert heard.lost == []
        assert length_s - UNHEARD_S <= heard.seconds <= length_s + 3 * PADDED_S

    @pytest.mark.parametrize("kind", odd.DAMAGED)
    def test_damaged(self, kind, tmp_path):
        """Of what is damaged, a sentence tells; what is placed behind a hole is not early."""
        build, length_s = odd.DAMAGED[kind]
        heard = hear(build(tmp_path / "x"))
        assert heard.seconds <= length_s
        assert heard.error.startswith("x.")
        assert 0.2 * length_s < heard.seconds
        assert heard.seconds + heard.lost_s < length_s + 3 * PADDED_S

    def test_second_half_of_flac(self, tmp_path):
        """A segment whose first frame has another number than 0 is heard from its first."""
        path = odd.written(".flac", odd.flac_segment)(tmp_path / "x")
        heard = hear(path)
        n = len(heard.samples)
        assert heard.error == ""
        assert n > 0.3 * LENGTH_S * RATE
        assert np.allclose(heard.samples, sound()[-n:], atol=1e-4)

    def test_last_of_flac_segments(self, tmp_path):
        """Its header holds the length of the stream, which began in other files."""
        data = odd.flac_segment()
        n_stream = len(sound())
        whole = data[:21] + bytes([data[21] & 0xF0]) + n_stream.to_bytes(4, "big") + data[26:]
        path = odd.written(".flac", lambda: whole)(tmp_path / "x")
        heard = hear(path)
        assert heard.error == ""
        assert np.allclose(heard.samples, sound()[-len(heard.samples) :], atol=1e-4)
        path.write_bytes(whole[: len(whole) * 3 // 4])
        assert "cut off" in hear(path).error


class TestValues:
    @pytest.mark.parametrize("size", ["0", "stale"])
    def test_wav(self, size, tmp_path):
        """Behind a wrong header lie the same samples as behind a right one."""
        wrong = hear(odd.WHOLE[f"wav PCM_24 {size}"][0](tmp_path / "wrong"))
        right = hear(odd.WHOLE["wav PCM_24 true"][0](tmp_path / "right"))
        assert np.array_equal(wrong.samples, right.samples)

    def test_wav_says_so(self, tmp_path):
        """A header that declares too little is told with both lengths."""
        heard = hear(odd.WHOLE["wav PCM_16 stale"][0](tmp_path / "x"))
        (note,) = heard.notes
        assert "declares 0.26 s, but 4.00 s lie behind it" in note

    def test_chunk_behind_the_samples(self, tmp_path):
        """A chunk behind a right header is no sound."""
        heard = hear(odd.WHOLE["wav stale, then a list"][0](tmp_path / "x"))
        assert len(heard.samples) == LENGTH_S * RATE
        assert heard.notes == ()

    def test_wav_longer_than_32_bits(self, tmp_path):
        """A size that wrapped at 4 GiB counts without its upper bits; a chunk ends the sound."""
        path = odd.written(".wav", lambda: odd.coded("WAV", length_s=1.0))(tmp_path / "long")
        n_bytes = 2**32 + 32_000
        with path.open("r+b") as file:
            file.seek(40)
            file.write(struct.pack("<I", 32_000))
            file.seek(44 + n_bytes)
            file.write(odd.LIST)
        with FileSource(path, speed=0) as source:
            assert isinstance(source.read(0), np.ndarray)
            (note,) = source.notes
        assert f"{n_bytes / 32_000:.2f} s lie behind it" in note

    def test_mp3_of_varying_rate(self, tmp_path):
        """Without a frame that counts them, frames are decoded as well as with one."""
        counted = hear(odd.WHOLE["mp3"][0](tmp_path / "a")).samples[:, 0]
        uncounted = hear(odd.WHOLE["mp3 uncounted"][0](tmp_path / "b")).samples[:, 0]
        late = len(uncounted) - len(counted)
        errors = [
            float(np.abs(uncounted[n : n + 30_000] - counted[:30_000]).mean())
            for n in range(max(0, late - 1200), late + 1)
        ]
        assert min(errors) < 1e-3

    def test_ordinary_files_stay(self, tmp_path):
        """An ordinary file has the values that libsndfile gives in reads of a quarter second."""
        import soundfile

        for kind in ("wav PCM_16 true", "mp3", "aiff"):
            path = odd.WHOLE[kind][0](tmp_path / "x")
            with soundfile.SoundFile(path) as file:
                blocks = list(file.blocks(RATE // 4, dtype="float32", always_2d=True))
            assert np.array_equal(hear(path).samples, np.concatenate(blocks))


class TestTimestamps:
    @pytest.fixture(autouse=True)
    def _needs_pyav(self) -> None:
        pytest.importorskip("av", reason="the optional extra `media` is not installed")

    @pytest.mark.parametrize(
        ("suffix", "codec", "rate"), [("webm", "libopus", 48_000), ("mkv", "flac", 16_000)]
    )
    def test_jump(self, suffix, codec, rate, tmp_path):
        """Sound behind a jump of the clock is placed there; the recording is not damaged."""
        path = odd.media(tmp_path / f"x.{suffix}", codec, rate, jump=(2.0, 20.0))
        heard = hear(path)
        assert heard.error == ""
        assert heard.seconds == pytest.approx(LENGTH_S, abs=UNHEARD_S)
        assert heard.lost_s == pytest.approx(20.0, abs=0.01)
        assert heard.lost_at_s[0] == pytest.approx(2.0, abs=0.4)
        assert str(heard.lost[0].cause) == "recording"
        assert "jump over 20.00 s at 1 place" in heard.notes[0]

    @pytest.mark.parametrize(
        ("suffix", "codec", "picture_s"),
        [("mkv", "flac", 12.0), ("mp4", "aac", 12.0), ("m4a", "aac", 0.0), ("mka", "flac", 0.0)],
    )
    def test_late_start(self, suffix, codec, picture_s, tmp_path):
        """Sound that begins late is placed late, also without a picture, and is not cut off."""
        path = odd.media(tmp_path / f"x.{suffix}", codec, late_s=5.0, picture_s=picture_s)
        heard = hear(path)
        assert (heard.error, heard.notes) == ("", ())
        assert heard.lost_at_s == [0.0]
        assert heard.lost_s == pytest.approx(5.0, abs=0.07)  # aac begins a block earlier
        assert heard.seconds == pytest.approx(LENGTH_S, abs=PADDED_S)

    def test_ordinary_media(self, tmp_path):
        """Where nothing jumps, nothing is lost and nothing told."""
        for suffix, codec in (("m4a", "aac"), ("mka", "libopus"), ("mkv", "flac")):
            rate = 48_000 if codec == "libopus" else RATE
            heard = hear(odd.media(tmp_path / f"x.{suffix}", codec, rate))
            assert (heard.error, heard.notes, heard.lost) == ("", (), [])
            assert heard.seconds == pytest.approx(LENGTH_S, abs=PADDED_S)

    @pytest.mark.parametrize(("suffix", "codec"), [("m4a", "aac"), ("mka", "flac")])
    def test_damaged_packets(self, suffix, codec, tmp_path):
        """Sound behind damaged packets is heard at its place, and how much is missing is told."""
        path = odd.media(tmp_path / f"x.{suffix}", codec)
        path.write_bytes(odd.overwritten(path.read_bytes(), odd.junk(300)))
        heard = hear(path)
        assert "could not be heard" in heard.error
        assert heard.seconds + heard.lost_s == pytest.approx(LENGTH_S, abs=PADDED_S)
        assert heard.seconds > 0.7 * LENGTH_S

    @pytest.mark.parametrize("suffix", ["mka", "webm"])
    def test_cut_off(self, suffix, tmp_path):
        """Half a file is told from a whole one."""
        path = odd.media(tmp_path / f"x.{suffix}", "libopus", 48_000)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert "its header promises 4.0" in hear(path).error

    @pytest.mark.parametrize("codec", ["g722", "libmp3lame", "adpcm_ima_wav", "adpcm_ms"])
    def test_codecs_in_wav(self, codec, tmp_path):
        """A wav is heard whole whatever its codec."""
        heard = hear(odd.media(tmp_path / "x.wav", codec))
        assert heard.error == ""
        assert heard.seconds == pytest.approx(LENGTH_S, abs=PADDED_S)

    def test_codec_in_wav_without_pyav(self, tmp_path, monkeypatch):
        """Without PyAV a codec that libsndfile lacks leads to what to install."""
        path = odd.media(tmp_path / "x.wav", "g722")
        monkeypatch.setitem(sys.modules, "av", None)
        with pytest.raises(AudioFileError, match=r"pip install .*media"):
            FileSource(path).open()

    @pytest.mark.parametrize(
        ("suffix", "codec", "damage", "sentence"),
        [
            ("avi", "pcm_s16le", "overwritten", r"is damaged: 0\.1"),
            ("avi", "libmp3lame", "overwritten", "is damaged: 0"),
            ("avi", "libmp3lame", "cut", "is cut off"),
            ("ts", "mp2", "overwritten", r"is damaged: 0\.1"),
            ("ts", "mp2", "cut", "ends in the middle of a packet"),
            ("ts", "aac", "overwritten", r"is damaged: 0\.[234]"),
            ("aac", "aac", "overwritten", r"is damaged: 0\.[34]"),
            ("aac", "aac", "cut", "ends in the middle of a frame"),
            ("m4a", "alac", "zeroed", "is damaged: 0"),
            ("caf", "alac", "zeroed", "is damaged: 0"),
            ("caf", "pcm_s16le", "cut", r"ends after 2\.40 s, but its header promises 4\.00 s"),
        ],
    )
    def test_damage_that_decoders_pass_over(self, suffix, codec, damage, sentence, tmp_path):
        """What a container lost is told, and how much, although its decoder says nothing."""
        path = odd.media(tmp_path / f"x.{suffix}", codec)
        assert hear(path).error == ""
        data = path.read_bytes()
        if damage == "cut":
            path.write_bytes(data[: len(data) * 6 // 10 + 7])
        else:
            path.write_bytes(
                odd.overwritten(data, bytes(9000) if damage == "zeroed" else odd.junk(3000))
            )
        heard = hear(path)
        assert re.search(sentence, heard.error)
        assert 0.5 * LENGTH_S < heard.seconds < LENGTH_S

    def test_damage_that_leaves_no_mark(self, tmp_path):
        """Junk in the place of PCM is sound like any other: it is heard, and nothing is lost."""
        path = odd.media(tmp_path / "x.mov", "pcm_s16le")
        path.write_bytes(odd.overwritten(path.read_bytes(), odd.junk(3000)))
        heard = hear(path)
        assert (heard.error, heard.seconds) == ("", LENGTH_S)

    def test_lists_are_not_followed(self, tmp_path):
        """A text that names other files is no recording, although FFmpeg would open them."""
        odd.written(".wav", lambda: odd.coded("WAV"))(tmp_path / "x")
        (tmp_path / "list.txt").write_text("ffconcat version 1.0\nfile x.wav\n")
        (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:4,\nx.wav\n#EXT-X-ENDLIST\n")
        for name in ("list.txt", "list.m3u8"):
            with pytest.raises(AudioFileError, match="is not audio that can be decoded"):
                FileSource(tmp_path / name).open()


class TestTracks:
    @pytest.fixture(autouse=True)
    def _needs_pyav(self) -> None:
        pytest.importorskip("av", reason="the optional extra `media` is not installed")

    def test_default(self, tmp_path):
        """The default track is heard, and the note lists all and names the option."""
        path = odd.media(tmp_path / "x.mkv", "flac", n_tracks=2, default=2)
        heard = hear(path)
        assert heard.samples == pytest.approx(sound() / 2, abs=1e-4)
        (note,) = heard.notes
        assert "has 2 audio tracks (1 flac mono, 2 flac mono): track 2 is heard" in note
        assert "--track" in note

    @pytest.mark.parametrize("suffix", ["mkv", "mov"])
    def test_loudest_speech(self, suffix, tmp_path):
        """Where all are marked, or none, the loudest speech is heard, not the loudest sound."""
        speech = read_recording(DEMO)[: 6 * RATE, np.newaxis]
        noise = np.random.default_rng(2).standard_normal(speech.shape).astype(np.float32)
        sounds = [0.3 * noise, 0.2 * speech, 0.8 * speech, np.zeros_like(speech)]
        path = odd.media(
            tmp_path / f"x.{suffix}", "pcm_s16le", n_tracks=4, default="all", sounds=sounds
        )
        heard = hear(path)
        assert heard.samples == pytest.approx(sounds[2], abs=1e-3)
        (note,) = heard.notes
        assert "track 3 is heard, the loudest speech in the first 60 s;" in note

    def test_no_speech(self, tmp_path):
        """Where no track holds speech, the first one is heard."""
        path = odd.media(tmp_path / "x.mkv", "flac", n_tracks=2, default="all")
        heard = hear(path)
        assert heard.samples == pytest.approx(sound(), abs=1e-4)
        assert "track 1 is heard, the first;" in heard.notes[0]

    def test_chosen(self, tmp_path):
        """A track asked for is heard, without a word."""
        path = odd.media(tmp_path / "x.mkv", "flac", n_tracks=2, default=2)
        heard = hear(path, track=1)
        assert heard.samples == pytest.approx(sound(), abs=1e-4)
        assert heard.notes == ()

    def test_missing(self, tmp_path):
        """A track that is not there is refused with how many there are."""
        from ser_live.errors import UsageError

        path = odd.media(tmp_path / "x.mkv", "flac", n_tracks=2)
        with pytest.raises(UsageError, match="has 2 audio tracks, but track 3 was asked"):
            FileSource(path, track=3).open()
        wav = odd.written(".wav", lambda: odd.coded("WAV"))(tmp_path / "x")
        with pytest.raises(UsageError, match="has one audio track, but track 2 was asked"):
            FileSource(wav, track=2).open()


def test_rows_of_damaged_files_stay(tmp_path):
    """A damaged file has its length, what was heard, and a note, in its row and its record."""
    from ser_live.batch.recording import file_fields, hear
    from ser_live.config import Settings
    from ser_live.model.emotion_model import EmotionModel

    path = odd.DAMAGED["wav cut"][0](tmp_path / "x")
    recording, failure = hear(path, model=EmotionModel.load(), settings=Settings())
    assert isinstance(failure, AudioFileError)
    assert recording.was_opened
    assert recording.duration_s == pytest.approx(0.6 * LENGTH_S, abs=0.05)
    assert str(recording.summary["note"]).startswith("damaged: x.wav ends after 2.4")
    assert "note" in file_fields()
