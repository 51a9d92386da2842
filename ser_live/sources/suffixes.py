"""Names by which recordings are found in folders."""

from __future__ import annotations

from importlib.util import find_spec

AUDIO_SUFFIXES = frozenset(
    [
        ".wav",
        ".wave",
        ".w64",
        ".rf64",
        ".flac",
        ".ogg",
        ".oga",
        ".opus",
        ".spx",
        ".mp3",
        ".mp2",
        ".aif",
        ".aiff",
        ".aifc",
        ".au",
        ".snd",
        ".caf",
        ".m4a",
        ".m4b",
        ".m4r",
        ".mp4",
        ".m4v",
        ".mov",
        ".3gp",
        ".3g2",
        ".aac",
        ".wma",
        ".asf",
        ".wmv",
        ".webm",
        ".weba",
        ".mkv",
        ".mka",
        ".avi",
        ".amr",
        ".ac3",
        ".flv",
        ".mpg",
        ".mpeg",
        ".mts",
        ".m2ts",
        ".wv",
        ".tta",
        ".ape",
    ]
)
"""Suffixes of recordings in folders; files named one by one need none of them."""

_BY_LIBSNDFILE = frozenset(
    [
        *(".wav", ".wave", ".w64", ".rf64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".mp2"),
        *(".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"),
    ]
)

MEDIA_SUFFIXES = AUDIO_SUFFIXES - _BY_LIBSNDFILE
"""Suffixes of recordings that need PyAV, the extra ``media``."""


def has_media() -> bool:
    """Whether PyAV is installed; does not import it."""
    try:
        return find_spec("av") is not None
    except (ValueError, ImportError):  # blocked by None in sys.modules, or by a hook
        return False
