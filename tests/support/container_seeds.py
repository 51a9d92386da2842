"""Makes the containers that fuzzing beside ffmpeg begins with; needs ffmpeg.

``python tests/support/container_seeds.py`` writes those that are missing. Each is most of a
second of a tone that rises: `beside_ffmpeg` knows it again wherever it went.
"""

from __future__ import annotations

import io
import sys
from typing import Any

import soundfile
from beside_ffmpeg import encoded, sweep
from places import CORPUS

LENGTH_S = 0.8


def sounded(format_: str, subtype: str, rate: int, n_channels: int = 1, **options: Any) -> bytes:
    """A file of libsndfile."""
    file = io.BytesIO()
    samples = sweep(rate, LENGTH_S, n_channels)
    soundfile.write(file, samples, rate, format=format_, subtype=subtype, **options)
    return file.getvalue()


def muxed(suffix: str, codec: str, rate: int, n_channels: int = 1, *options: str) -> bytes:
    """A file of ffmpeg's."""
    samples = sweep(rate, LENGTH_S, n_channels)
    return encoded(samples, rate, suffix, "-c:a", codec, *options)


def wav() -> dict[str, bytes]:
    """Plain samples, samples in blocks, and codecs that are strangers in wav."""
    return {
        **{
            subtype.lower(): sounded("WAV", subtype, 8000)
            for subtype in ("PCM_16", "PCM_U8", "PCM_24", "FLOAT", "ULAW", "IMA_ADPCM", "MS_ADPCM")
        },
        "stereo": sounded("WAVEX", "PCM_16", 8000, 2),
        "rf64": sounded("RF64", "PCM_16", 8000),
        "gsm": sounded("WAV", "GSM610", 8000),
        "mp3": muxed("wav", "libmp3lame", 16_000, 1, "-b:a", "32k"),
        "g722": muxed("wav", "g722", 16_000),
        "g726": muxed("wav", "g726", 8000),
    }


def ogg() -> dict[str, bytes]:
    """Streams in many small pages."""
    small = ("-page_duration", "80000")
    return {
        "vorbis_16k": muxed("ogg", "libvorbis", 16_000, 1, *small),
        "vorbis_44k_stereo": muxed("ogg", "libvorbis", 44_100, 2, *small),
        "opus": muxed("opus", "libopus", 48_000, 1, "-b:a", "24k", *small),
        "opus_stereo": muxed("opus", "libopus", 48_000, 2, "-b:a", "32k", *small),
        "flac": muxed("ogg", "flac", 8000, 1, *small),
        "speex": muxed("ogg", "libspeex", 16_000, 1, *small),
        "vorbis_of_libsndfile": sounded("OGG", "VORBIS", 22_050),
    }


def mp3() -> dict[str, bytes]:
    """Streams of one bit rate and of several, counted and not."""
    bare = ("-write_xing", "0", "-id3v2_version", "0")
    return {
        "steady_16k": muxed("mp3", "libmp3lame", 16_000, 1, "-b:a", "24k"),
        "steady_44k_stereo": muxed("mp3", "libmp3lame", 44_100, 2, "-b:a", "64k"),
        "uncounted": muxed("mp3", "libmp3lame", 22_050, 1, "-b:a", "32k", *bare),
        "varying_of_libsndfile": sounded("MP3", "MPEG_LAYER_III", 16_000, bitrate_mode="VARIABLE"),
        "varying_uncounted": muxed("mp3", "libmp3lame", 16_000, 1, "-q:a", "4", *bare),
        "bare_44k": muxed("mp3", "libmp3lame", 44_100, 1, "-b:a", "48k", *bare),
    }


def flac() -> dict[str, bytes]:
    """Streams with and without a known length."""
    known = muxed("flac", "flac", 16_000, 1, "-frame_size", "800")
    unknown = bytearray(known)
    unknown[21] &= 0xF0
    unknown[22:42] = bytes(20)
    return {
        "16k": known,
        "unknown": bytes(unknown),
        "8k_stereo": muxed("flac", "flac", 8000, 2, "-frame_size", "256"),
        "44k_of_libsndfile": sounded("FLAC", "PCM_16", 44_100),
        "24bit": muxed("flac", "flac", 16_000, 1, "-sample_fmt", "s32", "-frame_size", "1000"),
    }


def mp4() -> dict[str, bytes]:
    """Boxes in the usual order, in the other, and in fragments."""
    low = ("-b:a", "32k")
    pieces = ("-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "200000")
    return {
        "aac": muxed("m4a", "aac", 16_000, 1, *low),
        "aac_stereo": muxed("m4a", "aac", 44_100, 2, "-b:a", "48k"),
        "aac_fast": muxed("mp4", "aac", 16_000, 1, *low, "-movflags", "+faststart"),
        "fragments": muxed("mp4", "aac", 16_000, 1, *low, *pieces),
        "alac": muxed("m4a", "alac", 8000),
        "flac": muxed("mp4", "flac", 8000, 1, "-strict", "-2"),
        "opus": muxed("mp4", "libopus", 48_000, 1, "-b:a", "24k"),
        "mp3": muxed("mp4", "libmp3lame", 32_000, 1, *low),
        "pcm": muxed("mov", "pcm_s16le", 8000),
        "two_tracks": muxed("mp4", "aac", 16_000, 1, *low, "-map", "0:a", "-map", "0:a"),
    }


KINDS = (wav, ogg, mp3, flac, mp4)


def main() -> None:
    """Write what is missing; what is there stays, for other inputs grew from it."""
    for kind in KINDS:
        folder = CORPUS / "containers" / kind.__name__
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in kind().items():
            if not (folder / name).exists():
                (folder / name).write_bytes(content)
                sys.stdout.write(f"{kind.__name__}/{name}: {len(content)} bytes\n")


if __name__ == "__main__":
    main()
