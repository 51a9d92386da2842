"""Events from their records, with the stream that each belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from ser_live.events.forms import TEXT
from ser_live.events.record import STREAM_FORMS, OfStream, Recorded, build, read_fields, read_value
from ser_live.events.stream_id import StreamId

R = TypeVar("R", bound=Recorded)


class EventReader:
    """Reads the records of one session in their order.

    A record names its stream by number; the rest of it stands in ``stream_started``, which is
    remembered here. Records of older programs have no number: their streams came one after
    the other, and are counted.

    Parameters
    ----------
    classes : mapping of str to class
        Classes of records by their ``type``.
    """

    def __init__(self, classes: Mapping[str, type[Recorded]]) -> None:
        self._classes = classes
        self._streams: dict[int, StreamId] = {}
        self._latest = 0

    def read(self, record: Mapping[str, object]) -> Recorded | None:
        """The event of a record; ``None`` for a type that this program does not know.

        Raises
        ------
        FormError
            The record lacks a field, or has one that does not fit.
        """
        kind = record.get("type")
        cls = self._classes.get(kind) if isinstance(kind, str) else None
        if cls is None:
            return None
        return self._read(cls, record)

    def _read(self, cls: type[R], record: Mapping[str, object]) -> R:
        fields = read_fields(cls, record)
        if issubclass(cls, OfStream):
            fields["stream"] = self._stream(record, begins=cls.names_source)
        return build(cls, cls._arranged(fields))

    def _stream(self, record: Mapping[str, object], *, begins: bool) -> StreamId:
        said = {
            name: read_value(form, form.key or name, record) for name, form in STREAM_FORMS.items()
        }
        if said["number"] is None:
            said["number"] = self._latest + begins
        number = said["number"]
        assert isinstance(number, int)  # noqa: S101  as its form reads it
        known = self._streams.get(number)
        if begins:
            said["source"] = read_value(TEXT, "source", record)
        elif known is not None and known.file == said["file"]:
            return known
        else:
            said["source"] = said["file"] or ""
        stream = build(StreamId, said)
        if begins:
            self._streams[number] = stream
            self._latest = number
        return stream
