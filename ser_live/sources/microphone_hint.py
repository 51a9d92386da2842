"""The advice for a microphone that delivers only zeros."""

from __future__ import annotations


def silence_remedy(platform: str) -> str:
    """Advice for a microphone that delivers only zeros, without a full stop.

    Parameters
    ----------
    platform : str
        As ``sys.platform``.
    """
    unmute = "unmute the microphone (it may have a switch of its own)"
    if platform == "darwin":
        # Without permission macOS opens the device without an error and delivers zeros.
        return (
            "probably permission is denied: allow this terminal in System Settings > "
            f"Privacy & Security > Microphone and restart it; otherwise {unmute}"
        )
    if platform == "win32":
        return f"{unmute}; let desktop apps use it in Settings > Privacy > Microphone"
    return unmute


def microphone_hint(platform: str) -> str:
    """Sentence for a microphone that delivers only zeros, on `platform` (``sys.platform``)."""
    return f"only zeros arrive, so {silence_remedy(platform)}."
