"""Records of events: one table per event class, written and read from it.

The table of a class is its fields: each one's annotation carries a `Form`. A field that has
none is not part of the record. The stream of an event adds its own fields at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Annotated, ClassVar, TypeVar, get_args, get_origin

from ser_live.events.forms import COUNT, REQUIRED, TEXT, Form, FormError, or_none
from ser_live.events.stream_id import StreamId

Record = dict[str, object]
"""JSON values by name; ``type`` says what kind of record it is."""

R = TypeVar("R", bound="Recorded")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Recorded:
    """Base of all that has one form for log, standard output, CSV and API."""

    type: ClassVar[str]
    """Name of the class in a record."""
    is_logged: ClassVar[bool] = True
    """Whether session logs keep it; the others are for displays."""
    derived: ClassVar[Mapping[str, tuple[str, Form]]] = {}
    """Properties that stand in the record too, each with the field that follows it there."""
    stands_for: ClassVar[Mapping[str, str]] = {}
    """Fields that a record has in another form, each with the property that gives that."""

    @classmethod
    def _arranged(cls, values: Mapping[str, object]) -> Mapping[str, object]:
        """Values by field, from those that the forms of the fields have read."""
        return values

    def as_record(self) -> Record:
        """The event as JSON values by name."""
        record: Record = {"type": self.type}
        for key, write, value in _written(type(self)):
            record[key] = write(value(self))
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class OfStream(Recorded):
    """An event of one stream."""

    names_source: ClassVar[bool] = False
    """Whether the record names the stream's source too; the first one of a stream does."""

    stream: StreamId

    @property
    def file(self) -> str | None:
        """Path of the stream's file as given; ``None`` for a device."""
        return self.stream.file


@dataclass(frozen=True, slots=True)
class Column:
    """One name in the records of a class."""

    key: str
    form: Form
    value: Callable[[object], object]
    """Takes the value out of an event."""
    field: str
    """Name of the field; empty where it belongs to the stream or is derived."""


STREAM_FORMS: Mapping[str, Form] = {
    "file": or_none(TEXT).newer(None),
    "number": COUNT.at("stream").newer(None),
    "channel": or_none(COUNT).newer(None),
    "role": or_none(TEXT).newer(None),
}
"""Forms of the stream in each of its records. Its source is in ``stream_started``."""


_Written = tuple[str, Callable[..., object], Callable[[object], object]]
_Read = tuple[str, Form, Callable[[object], object], str]

_TABLES: dict[type, tuple[Column, ...]] = {}
_WRITTEN: dict[type, tuple[_Written, ...]] = {}
_READ: dict[type, tuple[_Read, ...]] = {}


def columns(cls: type) -> tuple[Column, ...]:
    """The names in the records of a class, in their order, ``type`` left out."""
    if cls not in _TABLES:
        _TABLES[cls] = _columns_of(cls)
    return _TABLES[cls]


def _written(cls: type) -> tuple[_Written, ...]:
    """Name, form of writing and value of each column."""
    if cls not in _WRITTEN:
        _WRITTEN[cls] = tuple((c.key, c.form.write, c.value) for c in columns(cls))
    return _WRITTEN[cls]


def _read(cls: type) -> tuple[_Read, ...]:
    """Name, form, its reading and field of each column."""
    if cls not in _READ:
        _READ[cls] = tuple((c.key, c.form, c.form.read, c.field) for c in columns(cls))
    return _READ[cls]


def _columns_of(cls: type) -> tuple[Column, ...]:
    found = []
    before = {
        name: Column(key, form, attrgetter(key), "")
        for key, (name, form) in getattr(cls, "derived", {}).items()
    }
    for f in fields(cls):
        form = form_of(f.type)
        if f.name in before:
            found.append(before[f.name])
        if form is not None:
            value = getattr(cls, "stands_for", {}).get(f.name, f.name)
            found.append(Column(form.key or f.name, form, attrgetter(value), f.name))
    if issubclass(cls, OfStream):
        if cls.names_source:
            found.insert(0, Column("source", TEXT, attrgetter("stream.source"), ""))
        for name, form in STREAM_FORMS.items():
            found.append(Column(form.key or name, form, attrgetter(f"stream.{name}"), ""))
    return tuple(found)


def form_of(annotation: object) -> Form | None:
    """The form that the annotation of a field carries, ``None`` for a field without."""
    if get_origin(annotation) is Annotated:
        return next((part for part in get_args(annotation) if isinstance(part, Form)), None)
    return None


def read_fields(cls: type, record: Mapping[str, object]) -> dict[str, object]:
    """The fields of a class, the stream left out, from a record; raises `FormError`.

    What follows from other fields is looked at too, and then left out.
    """
    found = {}
    # Every value of every line passes here: no call, and nothing looked up, that is not needed.
    for key, form, read, field in _read(cls):
        if key in record:
            try:
                value = read(record[key])
            except FormError as error:
                raise FormError(f"{key}: {error}") from None
        else:
            value = read_value(form, key, record)
        if field:
            found[field] = value
    return found


def read_value(form: Form, key: str, record: Mapping[str, object]) -> object:
    """The value of one form in a record; raises `FormError`."""
    if key not in record:
        if form.missing is REQUIRED:
            raise FormError(f"{key} is missing")
        return form.missing
    try:
        return form.read(record[key])
    except FormError as error:
        raise FormError(f"{key}: {error}") from None


def build(make: Callable[..., T], values: Mapping[str, object]) -> T:
    """Call `make` with values that their forms have read, and so have checked."""
    return make(**values)


def by_type(classes: Iterable[type[R]]) -> dict[str, type[R]]:
    """Classes by the ``type`` of their records."""
    return {cls.type: cls for cls in classes}
