"""Names by which recordings are found in folders."""

from __future__ import annotations

from importlib.util import find_spec

_BY_LIBSNDFILE = frozenset(
    [
        *(".wav", ".wave", ".w64", ".rf64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".mp2"),
        *(".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".mpga", ".m2a", ".ogx", ".sph"),
        *(".nist", ".voc", ".svx", ".8svx", ".pvf", ".sf", ".ircam", ".avr", ".paf"),
    ]
)

MEDIA_SUFFIXES = frozenset(
    [
        *(".m4a", ".m4b", ".m4r", ".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".f4a", ".f4v"),
        *(".aac", ".adts", ".loas", ".ac3", ".eac3", ".ec3", ".dts", ".mlp", ".thd", ".spx"),
        *(".wma", ".asf", ".wmv", ".wtv", ".webm", ".weba", ".mkv", ".mka", ".avi", ".flv"),
        *(".ogv", ".ogm", ".mpg", ".mpeg", ".mts", ".m2ts", ".m2t", ".tod", ".vob", ".mxf"),
        *(".amr", ".gsm", ".sbc", ".adx", ".ra", ".rm", ".wv", ".tta", ".ape", ".nut"),
    ]
)
"""Suffixes of recordings that need PyAV, the extra ``media``."""

AUDIO_SUFFIXES = _BY_LIBSNDFILE | MEDIA_SUFFIXES
"""Suffixes of recordings in folders; files named one by one need none of them.

Left out is what is mostly something else: ``.ts``, ``.mat``, ``.htk``, ``.xi``, ``.iff``.
"""


def has_media() -> bool:
    """Whether PyAV is installed; does not import it."""
    try:
        return find_spec("av") is not None
    except (ValueError, ImportError):  # blocked by None in sys.modules, or by a hook
        return False
