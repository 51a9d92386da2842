"""Strict readers of what a log is exported to: anything outside of the published grammar fails.

Each gives stretches as ``(start_ms, end_ms, who, text)``, in the order of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

Read = tuple[int, int, str, str]

_SRT_CUE = re.compile(
    r"(\d+)\n(\d{2,}):([0-5]\d):([0-5]\d),(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d),(\d{3})\n"
    r"([^\n]+)\n\n"
)
_VTT_CUE = re.compile(
    r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})\n"
    r"(?:<v ([^<>\n]+)>)?([^\n]+)\n\n"
)
_ENTITY = re.compile(r"&(amp|lt|gt);")


def _ms(hours: str, minutes: str, seconds: str, ms: str) -> int:
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(ms)


def _whole(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Matches that follow each other and leave nothing over."""
    at = 0
    while at < len(text):
        found = pattern.match(text, at)
        assert found, f"not in the grammar: {text[at : at + 80]!r}"
        yield found
        at = found.end()


def read_srt(text: str) -> list[Read]:
    """Cues numbered from 1, in order of time, each with one line without markup."""
    found = []
    for number, cue in enumerate(_whole(_SRT_CUE, text), start=1):
        assert int(cue[1]) == number
        assert not set(cue[10]) & set("<>{}\\")
        start_ms, end_ms = _ms(*cue.groups()[1:5]), _ms(*cue.groups()[5:9])
        assert start_ms < end_ms
        found.append((start_ms, end_ms, "", cue[10]))
    assert [r[0] for r in found] == sorted(r[0] for r in found)
    return found


def read_vtt(text: str) -> list[Read]:
    """The file format of the W3C: header, cues in order of time, escaped text without arrows."""
    head = "WEBVTT\n\n"
    assert text.startswith(head)
    found = []
    for cue in _whole(_VTT_CUE, text[len(head) :]):
        start_ms, end_ms = _ms(*cue.groups()[:4]), _ms(*cue.groups()[4:8])
        assert start_ms < end_ms
        found.append((start_ms, end_ms, _unescaped(cue[9] or ""), _unescaped(cue[10])))
    assert [r[0] for r in found] == sorted(r[0] for r in found)
    return found


def _unescaped(text: str) -> str:
    assert "-->" not in text
    assert not set(_ENTITY.sub("", text)) & set("<>&")
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def read_audacity(text: str) -> list[Read]:
    """Lines of start, end and label, parted by tabs."""
    found = []
    for line in text.splitlines(keepends=True):
        cells = re.fullmatch(r"(\d+\.\d{3})\t(\d+\.\d{3})\t([^\t\n]*)\n", line)
        assert cells, line
        start_ms, end_ms = round(float(cells[1]) * 1000), round(float(cells[2]) * 1000)
        assert start_ms <= end_ms
        found.append((start_ms, end_ms, "", cells[3]))
    return found


class _Words:
    """The numbers, texts and flags of a Praat text file, all else passed over as Praat does."""

    _WORD = re.compile(r'"(?:[^"]|"")*"|<[a-z]+>|(?<![^\s])-?\d+(?:\.\d+)?(?=\s|$)')

    def __init__(self, text: str) -> None:
        self._words = self._WORD.findall(text)

    def next(self) -> str:
        return str(self._words.pop(0))

    def number(self) -> float:
        return float(self.next())

    def text(self) -> str:
        word = self.next()
        assert word[0] == word[-1] == '"', word
        return word[1:-1].replace('""', '"')

    @property
    def is_over(self) -> bool:
        return not self._words


def read_textgrid(text: str) -> list[Read]:
    """Tiers of intervals that fill the whole length without overlap, and of rising points."""
    words = _Words(text)
    assert words.text() == "ooTextFile"
    assert words.text() == "TextGrid"
    assert words.number() == 0
    length_s = words.number()
    assert length_s > 0
    assert words.next() == "<exists>"
    found = []
    n_tiers = int(words.number())
    assert n_tiers >= 1
    for _ in range(n_tiers):
        kind, name = words.text(), words.text()
        assert words.number() == 0
        assert words.number() == length_s
        size = int(words.number())
        at_s = 0.0 if kind == "IntervalTier" else -1.0
        for _ in range(size):
            if kind == "IntervalTier":
                start_s, end_s = words.number(), words.number()
                assert start_s == at_s < end_s
                at_s = end_s
            else:
                assert kind == "TextTier"
                start_s = end_s = words.number()
                assert at_s < start_s <= length_s
                at_s = start_s
            said = words.text()
            if said or kind == "TextTier":
                found.append((round(start_s * 1000), round(end_s * 1000), name, said))
        assert kind == "TextTier" or at_s == length_s
    assert words.is_over
    return found


_EAF_PARTS = ["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE"]


def read_eaf(text: str) -> list[Read]:
    """Elements in the order of EAFv3.0.xsd, unique names, known slots, and no overlap in a tier."""
    root = ET.fromstring(text)  # noqa: S314  made by the test itself
    assert root.tag == "ANNOTATION_DOCUMENT"
    assert {"AUTHOR", "DATE", "VERSION"} <= set(root.attrib)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d)?", root.attrib["DATE"])
    order = [_EAF_PARTS.index(child.tag) for child in root]
    assert order == sorted(order)
    slots: dict[str, int] = {}
    for slot in root.iterfind("TIME_ORDER/TIME_SLOT"):
        assert slot.attrib["TIME_SLOT_ID"] not in slots
        slots[slot.attrib["TIME_SLOT_ID"]] = int(slot.attrib["TIME_VALUE"])
    assert list(slots.values()) == sorted(slots.values())
    types = {t.attrib["LINGUISTIC_TYPE_ID"] for t in root.iterfind("LINGUISTIC_TYPE")}
    names, ids, found = set(), set(), []
    for tier in root.iterfind("TIER"):
        name = tier.attrib["TIER_ID"]
        assert name not in names
        names.add(name)
        assert tier.attrib["LINGUISTIC_TYPE_REF"] in types
        at_ms = 0
        for annotation in tier:
            (aligned,) = annotation
            assert (annotation.tag, aligned.tag) == ("ANNOTATION", "ALIGNABLE_ANNOTATION")
            assert aligned.attrib["ANNOTATION_ID"] not in ids
            ids.add(aligned.attrib["ANNOTATION_ID"])
            start_ms, end_ms = (slots[aligned.attrib[f"TIME_SLOT_REF{n}"]] for n in (1, 2))
            assert at_ms <= start_ms < end_ms
            at_ms = end_ms
            found.append((start_ms, end_ms, name, aligned.findtext("ANNOTATION_VALUE") or ""))
    assert names
    return found


def read_rttm(text: str) -> list[Read]:
    """Ten fields a line as NIST's plan of 2009 describes them; comments begin with ``;;``."""
    found = []
    for line in text.splitlines():
        if line.startswith(";;"):
            continue
        kind, file, channel, start, length, ortho, stype, name, conf, ahead = line.split(" ")
        assert int(channel) >= 1
        assert float(length) > 0
        assert (ortho, conf, ahead) == ("<NA>",) * 3
        assert (stype != "<NA>") == (kind == "NON-SPEECH")
        assert (name != "<NA>") == (kind == "SPEAKER")
        assert kind in ("SPEAKER", "NON-SPEECH", "NOSCORE")
        start_ms = round(float(start) * 1000)
        said = name if kind == "SPEAKER" else kind
        found.append((start_ms, start_ms + round(float(length) * 1000), f"{file} {channel}", said))
    return found


READERS = {
    "srt": read_srt,
    "vtt": read_vtt,
    "audacity": read_audacity,
    "textgrid": read_textgrid,
    "elan": read_eaf,
    "rttm": read_rttm,
}
