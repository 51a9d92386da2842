"""Tags that stand before a recording out of a pipe, also such as claim more than they hold."""

from __future__ import annotations

import re

from ser_live.sources.beginnings import HEAD_BYTES, container_of
from ser_live.sources.mpeg_frames import are_frames, begins_sure, tag_bytes

_TAGS = (b"ID3", b"APETAGEX")
_TAG_HEAD_BYTES = 10
_NO_SOUND = bytes(4)
"""Zeros that stand behind a tag, or fill it up."""

_MOST_KEPT = 1 << 20
"""So much of a tag is kept, for there may be sound in it; longer ones hold pictures."""

_BEGIN = re.compile(rb"\xff[\xe2-\xff]|fLaC\0\0\0\x22|OggS\0\x02|RIFF....WAVE", re.DOTALL)
"""Beginnings of sound that may stand where a tag claims to be."""


class LeadingTags:
    """Passes over the tags before a recording of any kind, but not over sound within them."""

    def __init__(self) -> None:
        self.is_tagged = False
        """Whether one was met."""
        self._n_left = 0
        """Bytes of a tag that are still to come."""
        self._kept = bytearray()
        """Those of the last one that came."""

    def behind(self, head: bytes) -> bytes:
        """Take first bytes, give those behind the tags."""
        while head:
            n_passed = min(self._n_left, len(head))
            if n_passed and len(self._kept) <= _MOST_KEPT:
                self._kept += head[:n_passed]
            head, self._n_left = head[n_passed:], self._n_left - n_passed
            n_bytes = tag_bytes(head, 0) if head.startswith(_TAGS) else 0
            if not n_bytes:
                break
            self.is_tagged, self._n_left = True, n_bytes
            self._kept.clear()
        return head

    def sound(self, head: bytes) -> bytes:
        """First bytes of the recording, by those behind the tags; some may have been in one."""
        if not self.is_tagged or len(self._kept) > _MOST_KEPT:
            return head
        whole = bytes(self._kept) + head
        place = _sound_in(whole, len(self._kept), is_right=_may_follow(head))
        return head if place is None else whole[place:]


def _may_follow(head: bytes) -> bool:
    """Whether the size of the tag before these bytes may be right."""
    kind = container_of(head)
    is_sure = kind is not None and (kind != "mp3" or are_frames(head))
    return is_sure or head.startswith(_NO_SOUND)


def _sound_in(whole: bytes, n_tag: int, *, is_right: bool) -> int | None:
    """Place of the first sound in a tag of so many bytes; ``None`` where none is in it."""
    content = whole[_TAG_HEAD_BYTES:n_tag]
    # What fills a tag up is zero to its end; sound behind zeros is none of it.
    if content.startswith(_NO_SOUND):
        filled = n_tag - len(content.lstrip(b"\0"))
        if filled < n_tag and _begins(whole, filled):
            return filled
    if is_right:
        return None
    for found in _BEGIN.finditer(whole, _TAG_HEAD_BYTES, n_tag):
        if _begins(whole, found.start()):
            return found.start()
    return None


def _begins(whole: bytes, place: int) -> bool:
    """Whether a recording begins here for sure."""
    if begins_sure(whole, place):
        return True
    head = whole[place : place + HEAD_BYTES]
    if head[:1] == b"\xff":
        return head[1] & 0xF6 == 0xF0 and container_of(head) == "aac"
    return _BEGIN.match(head) is not None and container_of(head) is not None
