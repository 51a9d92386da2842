"""Events and their records: what is written is what is read, and nothing else gets in."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import FrozenInstanceError, asdict, fields, replace
from enum import Enum
from typing import Annotated, Any, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from places import CORPUS

from ser_live.config import Settings
from ser_live.emotions import LABELS, is_label
from ser_live.events import (
    EVENT_CLASSES,
    EmotionResult,
    EventReader,
    FormError,
    OfStream,
    Reason,
    Record,
    Recorded,
    StreamGap,
    StreamId,
    StreamStarted,
    Utterance,
    columns,
    from_record,
    samples,
    seconds,
)
from ser_live.events.forms import MAX_DEPTH, REQUIRED, SAMPLES
from ser_live.records.json_line import json_line
from ser_live.records.log_entries import ENTRY_CLASSES
from ser_live.records.session_log import read_log

FORMER_LOG = CORPUS / "log" / "documented_without_streams"
"""The example of the documentation before streams had numbers."""

ALL_CLASSES = {**ENTRY_CLASSES, **EVENT_CLASSES}

of_every_class = pytest.mark.parametrize("cls", ALL_CLASSES.values(), ids=ALL_CLASSES)

NOT_NEGATIVE = {"speech_s", "duration_s"}
UNIT = {"valence", "arousal"}


# -- making events of any kind


def texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(), max_size=20)  # lone surrogates included


def streams() -> st.SearchStrategy[StreamId]:
    return st.builds(
        StreamId,
        number=st.integers(0, 10**9),
        source=texts(),
        channel=st.none() | st.integers(0, 63),
        role=st.none() | texts(),
        file=st.none() | texts(),
    )


def numbers(name: str, *, on_grid: bool) -> st.SearchStrategy[float]:
    """Values of a number: those that a record keeps as they are, or any."""
    if name in UNIT:
        unit = st.integers(-1000, 1000).map(lambda n: n / 1000)
        return unit if on_grid else st.floats(-1, 1)
    if name == "certainty":
        return st.integers(0, 1000).map(lambda n: n / 1000) if on_grid else st.floats(0, 1)
    lowest = 0 if name in NOT_NEGATIVE else -(10**6)
    if on_grid:
        return st.integers(lowest, 10**6).map(lambda n: n / 2)
    found = st.floats(lowest, 1e12)
    if name in NOT_NEGATIVE:
        return found
    return found | st.sampled_from([math.nan, math.inf, -math.inf])


def labels() -> st.SearchStrategy[str]:
    """Labels of any model: printable words in any writing, or ours."""
    printable = st.text(st.characters().filter(str.isprintable), min_size=1, max_size=40)
    odd = ["__proto__", "constructor", "type", "=1+1", "😀", "עייף", "[red]", "<b>", "uncertain"]
    return (st.sampled_from([*LABELS, *odd]) | printable).filter(is_label)


def label_sets() -> st.SearchStrategy[tuple[str, ...]]:
    """The labels of a model."""
    return st.lists(labels(), min_size=2, max_size=12, unique=True).map(tuple)


def shares(n: int, *, on_grid: bool) -> st.SearchStrategy[tuple[float, ...]]:
    share = st.integers(0, 10_000).map(lambda n: n / 10_000) if on_grid else st.floats(0, 1)
    return st.tuples(*[share] * n)


def values(cls: type, name: str, annotation: Any, *, on_grid: bool) -> st.SearchStrategy[Any]:
    """Values of one field, made of its annotation."""
    if name == "labels":
        return label_sets()
    if name == "emotion":
        return st.none() | labels()
    if name == "rating":
        return st.none() | st.integers(1, 5)
    if name == "emotions":
        return st.dictionaries(labels(), st.integers(0, 10**9))
    if name == "probabilities" and Mapping in map(get_origin, get_args(get_args(annotation)[0])):
        return st.none() | label_sets().flatmap(
            lambda names: shares(len(names), on_grid=on_grid).map(
                lambda found: dict(zip(names, found, strict=True))
            )
        )
    if get_origin(annotation) is Annotated:
        inner, form = get_args(annotation)
        if form.write is SAMPLES.write:
            if on_grid:  # whole milliseconds
                return st.integers(0, 10**11).map(lambda n: n * 16)
            return st.integers(0, 10**12)
        return values(cls, name, inner, on_grid=on_grid)
    if type(None) in get_args(annotation):
        (inner,) = (part for part in get_args(annotation) if part is not type(None))
        return st.none() | values(cls, name, inner, on_grid=on_grid)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    if annotation == tuple[Reason, ...]:
        return st.lists(instances(Reason, on_grid=on_grid), max_size=3).map(tuple)
    if get_origin(annotation) is Mapping:
        key, _ = get_args(annotation)
        if key is str:
            plain = st.none() | st.booleans() | st.integers() | texts()
            if not on_grid:
                plain |= st.floats()
            return st.dictionaries(texts(), plain | st.dictionaries(texts(), plain, max_size=3))
        return st.dictionaries(st.sampled_from(key), st.integers(0, 10**9))
    made: dict[Any, st.SearchStrategy[Any]] = {
        str: texts(),
        bool: st.booleans(),
        int: st.integers(0, 10**12),
        float: numbers(name, on_grid=on_grid),
        "StreamId": streams(),
    }
    return made[annotation]


def instances(cls: type, *, on_grid: bool) -> st.SearchStrategy[Any]:
    """Instances of a class of events, every field of them in the record."""
    made = _instances(cls, on_grid=on_grid)
    if cls is not EmotionResult:
        return made
    classified = label_sets().flatmap(
        lambda labels: st.builds(
            lambda event, p, emotion: replace(
                event, labels=labels, probabilities=p, emotion=emotion
            ),
            made,
            shares(len(labels), on_grid=on_grid),
            st.none() | st.sampled_from(labels),
        )
    )
    return made | classified


def _instances(cls: type, *, on_grid: bool) -> st.SearchStrategy[Any]:
    return st.builds(
        cls,
        **{
            f.name: values(cls, f.name, f.type, on_grid=on_grid)
            for f in fields(cls)
            # the audio, which is not part of a record, and two that go together
            if f.name not in ("samples", "labels", "probabilities") or cls is not EmotionResult
        },
        **({"probabilities": st.none()} if cls is EmotionResult else {}),
    )


def reader_for(event: Recorded) -> EventReader:
    """A reader that knows the stream of an event."""
    reader = EventReader(ALL_CLASSES)
    if isinstance(event, OfStream):
        begins = StreamStarted(stream=event.stream, sample_rate=8000, n_channels=1)
        assert reader.read(begins.as_record()) == begins
    return reader


def through_json(record: Mapping[str, object]) -> Any:
    return json.loads(json.dumps(record, allow_nan=False))


def example(cls: type[Recorded]) -> Recorded:
    """One event of a class, the same each time, every field with a value."""
    return next(e for e in EXAMPLES if type(e) is cls)


def _examples() -> Iterator[Recorded]:
    stream = StreamId(number=7, source="call.wav", channel=1, role="agent", file="call.wav")
    plain: dict[Any, Any] = {str: "x", bool: True, int: 48, float: 0.5, "StreamId": stream}
    for cls in ALL_CLASSES.values():
        made = {}
        for f in fields(cls):
            inner: Any = f.type
            if get_origin(inner) is Annotated:
                inner = get_args(inner)[0]
            if type(None) in get_args(inner):
                inner = next(part for part in get_args(inner) if part is not type(None))
            if f.name == "samples":
                continue
            if f.name == "labels":
                made[f.name] = LABELS
            elif f.name == "emotion":
                made[f.name] = "happy"
            elif f.name == "rating":
                made[f.name] = 4
            elif f.name == "emotions":
                made[f.name] = {"happy": 2}
            elif isinstance(inner, type) and issubclass(inner, Enum):
                made[f.name] = next(iter(inner))
            elif inner == tuple[float, ...]:
                made[f.name] = (0.125,) * len(LABELS)
            elif inner == tuple[Reason, ...]:
                made[f.name] = (Reason(feature="f", difference=1.0, z=2.0, text="louder"),)
            elif f.name == "probabilities" and get_origin(inner) is Mapping:
                made[f.name] = dict.fromkeys(LABELS, 0.125)
            elif get_origin(inner) is Mapping:
                key, _ = get_args(inner)
                made[f.name] = {"a": {"b": 1}} if key is str else {next(iter(key)): 2}
            else:
                made[f.name] = plain[inner]
        yield cls(**made)


EXAMPLES = list(_examples())


# -- there and back


@of_every_class
def test_a_record_that_is_read_is_written_the_same(cls: type[Recorded]) -> None:
    """Whatever the values, names and streams; the record is JSON without NaN."""

    @given(instances(cls, on_grid=False))
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def holds(event: Recorded) -> None:
        record = event.as_record()
        assert record["type"] == cls.type
        assert json.loads(json_line(record)) == through_json(record)
        again = reader_for(event).read(through_json(record))
        assert type(again) is cls
        assert again.as_record() == record
        if isinstance(event, OfStream):
            assert isinstance(again, OfStream)
            assert again.stream == event.stream

    holds()


@of_every_class
def test_an_event_on_the_grid_of_its_record_comes_back_equal(cls: type[Recorded]) -> None:
    """Rounding is all that a record does; positions come back to the sample."""

    @given(instances(cls, on_grid=True))
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def holds(event: Recorded) -> None:
        assert reader_for(event).read(through_json(event.as_record())) == event

    holds()


@given(st.integers(0, 10**12))
def test_seconds_name_every_sample(n: int) -> None:
    """Rounded to the microsecond they still tell one sample from the next."""
    assert samples(seconds(n)) == n
    assert seconds(n) != seconds(n + 1)


def test_undefined_is_null_and_comes_back_undefined() -> None:
    """NaN and infinity are null; null is NaN where a number belongs, and None where not."""
    result = example(EmotionResult)
    assert isinstance(result, EmotionResult)
    undefined = replace(
        result, snr_db=math.nan, level_dbfs=-math.inf, latency_ms=math.inf, valence=None
    )
    record = undefined.as_record()
    assert [record[n] for n in ("snr_db", "level_dbfs", "latency_ms", "valence")] == [None] * 4
    again = reader_for(result).read(record)
    assert isinstance(again, EmotionResult)
    assert math.isnan(again.snr_db)
    assert math.isnan(again.level_dbfs)
    assert math.isnan(again.latency_ms)
    assert again.valence is None


def test_the_programs_own_settings_come_back() -> None:
    """They are nested less deep than is refused."""
    record = {**example(ALL_CLASSES["session_started"]).as_record(), "settings": asdict(Settings())}
    event = from_record(through_json(record))
    assert event is not None
    assert event.as_record()["settings"] == asdict(Settings())


# -- what does not fit


@of_every_class
def test_a_missing_field_is_refused_or_stands_for_what_older_logs_lack(
    cls: type[Recorded],
) -> None:
    """Each field by itself; what older programs did not write has its documented value."""
    event = example(cls)
    for column in columns(cls):
        record = event.as_record()
        del record[column.key]
        if column.form.missing is REQUIRED:
            with pytest.raises(FormError, match=column.key):
                reader_for(event).read(record)
            continue
        older = reader_for(event).read(record)
        assert older is not None
        stands = column.form.missing
        stands = list(stands) if isinstance(stands, tuple) else stands
        if column.key == "stream":  # the latest one that began, and the next where one begins
            stands = 8 if cls is StreamStarted else 7
        elif column.key in ("channel", "role") and cls is not StreamStarted:
            stands = event.as_record()[column.key]  # the stream is known by its number
        assert older.as_record() == {**record, column.key: stands}


HOSTILE = [
    None, True, False, -1, 10**400, -(10**400), 1e300, -1e300, math.nan, math.inf, 0.5, "", "x",
    "\ud800", "ok", "final", [], [[]], {}, {"a": []}, [None], [{}], [{"feature": 1}], b"x", (),
    {"happy": True}, {"happy": 10**400}, {"happy": -1}, dict.fromkeys(LABELS, 2), {1: 2},
    dict.fromkeys(LABELS, True), dict.fromkeys(LABELS), object(),
]  # fmt: skip


def nested(depth: int) -> Any:
    value: Any = {}
    for k in range(depth):
        value = {"a": value} if k % 2 else [value]
    return {"a": value}


@of_every_class
def test_a_hostile_value_is_refused_or_harmless(cls: type[Recorded]) -> None:
    """Nothing but `FormError` is raised, and what is taken is a plain event again."""
    event = example(cls)
    n_refused = 0
    for column in columns(cls):
        for value in [*HOSTILE, nested(20), nested(100_000)]:
            record = {**event.as_record(), column.key: value}
            try:
                read = reader_for(event).read(record)
            except FormError:
                n_refused += 1
                continue
            assert read is not None
            again = through_json(read.as_record())
            assert reader_for(event).read(again) is not None
    assert n_refused >= len(columns(cls)) * 5


@of_every_class
def test_any_json_is_an_event_or_refused(cls: type[Recorded]) -> None:
    """Several fields at once, of any value that JSON can have."""
    any_json = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | texts(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3),
        max_leaves=5,
    )
    keys = [column.key for column in columns(cls)]
    event = example(cls)

    @given(st.dictionaries(st.sampled_from(keys), any_json, min_size=1))
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def holds(changed: Record) -> None:
        try:
            read = reader_for(event).read({**event.as_record(), **changed})
        except FormError:
            return
        assert type(read) is cls
        through_json(read.as_record())

    holds()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"start_s": -0.1}, "start_s: a time is needed"),
        ({"start_s": True}, "start_s: a number is needed"),
        ({"start_s": 1e13}, "start_s: the number is too large"),
        ({"cause": "boredom"}, "cause: one of overflow, device, "),
        ({"cause": 3}, "cause: one of overflow, device, "),
        ({"stream": -1}, "stream: a count is needed"),
        ({"stream": 1.0}, "stream: a count is needed"),
        ({"channel": True}, "channel: a count is needed"),
        ({"file": 5}, "file: a text is needed"),
    ],
)
def test_what_does_not_fit_is_said(changed: Record, said: str) -> None:
    """The field and what it needs; the reader of a log adds the line."""
    event = example(StreamGap)
    with pytest.raises(FormError, match=said):
        reader_for(event).read({**event.as_record(), **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"valence": 1.5},
        {"arousal": -1.01},
        {"confidence": 1.2},
        {"confidence": "high"},
        {"speech_s": None},
        {"speech_s": -1.0},
        {"probabilities": {"happy": 1.0}},
        {"probabilities": dict.fromkeys(["happy", "sa\x1bd"], 0.1)},
        {"probabilities": dict.fromkeys(["happy", "x" * 1000], 0.1)},
        {"probabilities": dict.fromkeys(map(str, range(33)), 0.1)},
        {"probabilities": dict.fromkeys(LABELS, 1.1)},
        {"reasons": None},
        {"reasons": [{"feature": "f", "difference": 1.0, "z": 1.0}]},
        {"kind": "half"},
        {"emotion": "bo\nred"},
        {"emotion": ""},
        {"emotion": "bored"},
        {"emotion": "\u202eangry"},
        {"state": "no speech"},
    ],
    ids=str,
)
def test_what_no_result_can_be_is_refused(changed: Record) -> None:
    """Shares beyond 1, words of another enumeration, half a reason."""
    event = example(EmotionResult)
    reader = reader_for(event)
    assert reader.read(event.as_record()) == event
    with pytest.raises(FormError, match=next(iter(changed))):
        reader.read({**event.as_record(), **changed})


def test_settings_may_be_nested_so_deep_and_no_deeper() -> None:
    """Deeper ones could not be written again."""
    event = example(ALL_CLASSES["session_started"])
    for depth in (MAX_DEPTH - 2, MAX_DEPTH - 1, MAX_DEPTH, 1000):
        record = {**event.as_record(), "settings": nested(depth)}
        if depth + 2 <= MAX_DEPTH:  # the outermost and the innermost one come on top
            read = from_record(record)
            assert read is not None
            assert read.as_record() == record
        else:
            with pytest.raises(FormError, match="settings: the values are nested too deep"):
                from_record(record)


@pytest.mark.parametrize(
    "record", [{}, {"type": "mood"}, {"type": None}, {"type": []}, {"type": {}}, {"type": 1}]
)
def test_a_type_that_is_not_known_is_none(record: Record) -> None:
    """A newer program may write others."""
    assert from_record(record) is None
    assert EventReader(ALL_CLASSES).read(record) is None


def test_the_entries_of_a_log_are_no_events() -> None:
    """Its header, its gaps and its way back are known to the log's reader alone."""
    for kind in set(ENTRY_CLASSES) - set(EVENT_CLASSES):
        record = example(ENTRY_CLASSES[kind]).as_record()
        assert from_record(record) is None
        assert EventReader(ENTRY_CLASSES).read(record) == example(ENTRY_CLASSES[kind])


# -- streams


def test_a_stream_is_named_once_and_known_after_that() -> None:
    """Records carry its number; its source stands where it begins."""
    reader = EventReader(EVENT_CLASSES)
    one = StreamId(number=1, source="headset", channel=0, role="agent")
    two = StreamId(number=2, source="headset", channel=1, role="customer")
    for stream in (one, two):
        begins = StreamStarted(stream=stream, sample_rate=16_000, n_channels=2)
        assert reader.read(begins.as_record()) == begins
    gap = example(StreamGap)
    assert isinstance(gap, StreamGap)
    for stream in (two, one, two):
        event = replace(gap, stream=stream)
        assert "source" not in event.as_record()
        assert reader.read(event.as_record()) == event


def test_a_record_alone_has_its_path_for_a_source() -> None:
    """Without the beginning of its stream nothing else is known of it."""
    event = example(StreamGap)
    assert isinstance(event, StreamGap)
    alone = from_record(event.as_record())
    assert alone == replace(event, stream=replace(event.stream, source="call.wav"))
    device = replace(event, stream=StreamId(number=3, source="headset"))
    assert from_record(device.as_record()) == replace(device, stream=StreamId(number=3, source=""))


def test_logs_of_before_load_with_streams_numbered_in_order() -> None:
    """The former example of the documentation, which knew no streams."""
    entries = list(read_log(FORMER_LOG, on_cut=pytest.fail))
    lines = FORMER_LOG.read_text().splitlines()
    assert [entry.type for entry in entries] == [json.loads(line)["type"] for line in lines]
    of_streams = [entry for entry in entries if isinstance(entry, OfStream)]
    sources = {entry.stream.number: entry.stream.source for entry in of_streams}
    assert sources == {1: "talk.wav", 2: "headset"}
    numbers_in_order = [entry.stream.number for entry in of_streams]
    assert numbers_in_order == sorted(numbers_in_order)
    for entry, line in zip(entries, lines, strict=True):
        written, former = entry.as_record(), json.loads(line)
        assert {name: written[name] for name in former} == former
        assert set(written) - set(former) <= {
            "stream",
            "channel",
            "role",
            "started_at",
            "file",
            "labels",
            "level",
            "roles",
            "legal_ground",
            "expires_at",
        }


# -- values


@of_every_class
def test_events_are_values(cls: type[Recorded]) -> None:
    """Frozen, without a dictionary, made by keyword alone; they can be pickled and compared."""
    event = example(cls)
    first = fields(cls)[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(event, first, None)
    assert not hasattr(event, "__dict__")
    with pytest.raises(TypeError):
        cls(getattr(event, first))
    copy = pickle.loads(pickle.dumps(event))  # noqa: S301  made here
    assert copy == event
    assert copy is not event


@pytest.mark.parametrize("cls", [Reason, StreamId, Utterance])
def test_parts_of_events_are_made_by_keyword_alone(cls: type) -> None:
    """Order of fields means nothing."""
    with pytest.raises(TypeError, match="positional"):
        cls("x")
    assert "__slots__" in vars(cls)
