"""ELAN's annotation format (``.eaf``), version 3.0."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePath
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ser_live import __version__
from ser_live.records.exports.plain import plain
from ser_live.records.exports.tiers import Tier, tiers
from ser_live.records.exports.timeline import Timeline

_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_TYPE = "emotion"
_UNKNOWN_DATE = "1970-01-01T00:00:00+00:00"


def elan(timeline: Timeline) -> Iterator[str]:
    """A tier for each stream, and one for its gaps and its marks; a mark lasts a millisecond."""
    document = Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": f"ser-live {__version__}",
            "DATE": _date(timeline),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": _INSTANCE,
            "xsi:noNamespaceSchemaLocation": _SCHEMA,
        },
    )
    _add_header(document, timeline)
    found = tiers(timeline)
    order = SubElement(document, "TIME_ORDER")
    moments = sorted({ms for tier in found for times in _times(tier) for ms in times})
    slots = {ms: f"ts{number}" for number, ms in enumerate(moments, start=1)}
    for ms, slot in slots.items():
        SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(ms))
    n_annotations = 0
    for tier in found:
        element = SubElement(
            document,
            "TIER",
            LINGUISTIC_TYPE_REF=_TYPE,
            PARTICIPANT=tier.speaker,
            TIER_ID=tier.name,
        )
        for piece, (start_ms, end_ms) in zip(tier.pieces, _times(tier), strict=True):
            n_annotations += 1
            annotation = SubElement(
                SubElement(element, "ANNOTATION"),
                "ALIGNABLE_ANNOTATION",
                ANNOTATION_ID=f"a{n_annotations}",
                TIME_SLOT_REF1=slots[start_ms],
                TIME_SLOT_REF2=slots[end_ms],
            )
            SubElement(annotation, "ANNOTATION_VALUE").text = piece.label
    SubElement(
        document,
        "LINGUISTIC_TYPE",
        GRAPHIC_REFERENCES="false",
        LINGUISTIC_TYPE_ID=_TYPE,
        TIME_ALIGNABLE="true",
    )
    indent(document)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield tostring(document, encoding="unicode") + "\n"


def _times(tier: Tier) -> Iterator[tuple[int, int]]:
    for piece in tier.pieces:
        yield piece.start_ms, piece.start_ms + 1 if tier.has_marks else piece.end_ms


def _add_header(document: Element, timeline: Timeline) -> None:
    header = SubElement(document, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    files = {stream.stream.file for stream in timeline.streams}
    file = files.pop() if len(files) == 1 else None
    if file:
        # As the log names it: ELAN asks where the file is if it lies elsewhere.
        name = plain(file)
        kind = mimetypes.guess_type(name)[0] or "audio/*"
        path = PurePath(name)
        url = path.as_uri() if path.is_absolute() else quote(path.as_posix())
        SubElement(
            header,
            "MEDIA_DESCRIPTOR",
            MEDIA_URL=url,
            MIME_TYPE=kind,
            RELATIVE_MEDIA_URL=f"./{quote(path.name)}",
        )


def _date(timeline: Timeline) -> str:
    """Start of the session as XML Schema writes moments."""
    if timeline.started is not None:
        try:
            began = datetime.fromisoformat(timeline.started.started_at)
        except ValueError:
            return _UNKNOWN_DATE
        return began.isoformat(timespec="seconds")
    return _UNKNOWN_DATE
