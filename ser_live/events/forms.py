"""Forms of fields: how they are written into records, and read back.

A record is what stands on a line of the log: JSON values by name. Each field of an event
carries its `Form`, which does both directions, so that they cannot drift apart. Undefined is
``None`` in a record, never 0 and never NaN. Records may come from anywhere, so reading looks
at every value: what does not fit raises `FormError`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

from ser_live.emotions import LABELS, are_labels, is_label
from ser_live.events.stream_id import samples, seconds

MAX_NUMBER = 1e12
"""Upper limit of every number; no time, level or count comes near it."""

MAX_DEPTH = 8
"""Settings are not nested as deep as this."""

E = TypeVar("E", bound=Enum)

REQUIRED = object()
"""Stands where a field must be in every record."""


class FormError(ValueError):
    """A record holds something that its type does not allow."""


@dataclass(frozen=True, slots=True)
class Form:
    """Writing and reading of one field in a record."""

    write: Callable[..., object]
    """From the field's value to a JSON value."""
    read: Callable[[object], object]
    """Back; raises `FormError` for a value that does not fit."""
    key: str = ""
    """Name in the record where it differs from the field's."""
    missing: object = REQUIRED
    """Value where a record lacks the field, as those of older programs do."""

    def at(self, key: str) -> Form:
        """Give this form under another name."""
        return replace(self, key=key)

    def newer(self, missing: object) -> Form:
        """Give this form, for a field that older records lack; it is then `missing`."""
        return replace(self, missing=missing)


def finite(value: object) -> object:
    """`value` with every NaN and infinity in it, however deep, replaced by ``None``."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def _same(value: object) -> object:
    return value


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise FormError("a text is needed")
    return value


def _read_number(value: object) -> float:
    if type(value) is float and -MAX_NUMBER <= value <= MAX_NUMBER:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FormError("a number is needed")
    # Compared before it is converted: an integer may be too long for a float.
    if not abs(value) <= MAX_NUMBER:
        raise FormError("the number is too large")
    return float(value)


def _read_count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_NUMBER:
        raise FormError("a count is needed")
    return value


def _read_truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise FormError("true or false is needed")
    return value


def _read_samples(value: object) -> int:
    duration_s = _read_number(value)
    if duration_s < 0:
        raise FormError("a time is needed")
    return samples(duration_s)


def _read_object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise FormError("an object is needed")
    return value


def _read_settings(value: object) -> Mapping[str, object]:
    settings = _read_object(value)
    _check_depth(settings, MAX_DEPTH)
    return settings


def _check_depth(value: object, n_left: int) -> None:
    if isinstance(value, Mapping):
        inner = list(value.values())
    elif isinstance(value, list):
        inner = value
    else:
        return
    if n_left == 0:
        raise FormError("the values are nested too deep")
    for item in inner:
        _check_depth(item, n_left - 1)


TEXT = Form(_same, _read_text)
COUNT = Form(_same, _read_count)
TRUTH = Form(_same, _read_truth)
SAMPLES = Form(lambda value: round(seconds(value), 3), _read_samples)
"""Samples at 16 kHz as seconds, to the millisecond; read again it is within 8 samples."""
SETTINGS = Form(finite, _read_settings)
"""Settings by group and name, as they are."""


def or_none(form: Form) -> Form:
    """`form` for a field that may be ``None``."""
    return replace(
        form,
        write=lambda value: None if value is None else form.write(value),
        read=lambda value: None if value is None else form.read(value),
    )


def rounded(value: float | None, digits: int) -> float | None:
    """`value` to that many `digits`, or ``None`` where it is undefined or infinite."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), digits)


def number(digits: int, lowest: float = -MAX_NUMBER, highest: float = MAX_NUMBER) -> Form:
    """A number rounded to `digits`; NaN is ``None`` in the record."""
    return Form(
        lambda value: rounded(value, digits),
        lambda value: math.nan if value is None else _read_between(value, lowest, highest),
    )


def number_or_none(digits: int, lowest: float, highest: float) -> Form:
    """A number rounded to `digits`, ``None`` where there is none."""
    return Form(
        lambda value: rounded(value, digits),
        lambda value: None if value is None else _read_between(value, lowest, highest),
    )


def amount(digits: int) -> Form:
    """A number that is defined and not negative."""
    return Form(
        lambda value: rounded(value, digits), lambda value: _read_between(value, 0.0, MAX_NUMBER)
    )


def _read_between(value: object, lowest: float, highest: float) -> float:
    found = _read_number(value)
    if not lowest <= found <= highest:
        raise FormError(f"a number from {lowest:g} to {highest:g} is needed")
    return found


def word(of: type[E]) -> Form:
    """One of the words of an enumeration."""
    return Form(lambda value: value.value, lambda value: _read_word(of, value))


def _read_word(of: type[E], value: object) -> E:
    try:
        return of(_read_text(value))
    except ValueError:
        raise FormError(f"one of {', '.join(str(w.value) for w in of)} is needed") from None


def counts(of: type[E]) -> Form:
    """Counts by the words of an enumeration."""
    return Form(
        lambda value: {key.value: n for key, n in value.items()},
        lambda value: {
            _read_word(of, key): _read_count(n) for key, n in _read_object(value).items()
        },
    )


def _read_label(value: object) -> str:
    if not is_label(value):
        raise FormError("a label is needed")
    return str(value)


def _read_labels(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not are_labels(value):
        raise FormError("a list of distinct labels is needed")
    return tuple(value)


def _read_label_counts(value: object) -> Mapping[str, int]:
    return {_read_label(label): _read_count(n) for label, n in _read_object(value).items()}


def _read_probabilities(value: object) -> Mapping[str, float]:
    found = _read_object(value)
    # Older programs knew the eight alone, in any order.
    labels = LABELS if set(found) == set(LABELS) else tuple(found)
    if not are_labels(labels):
        raise FormError("a probability of each label is needed")
    return {label: _read_between(found[label], 0.0, 1.0) for label in labels}


def _read_rating(value: object) -> int:
    rating = _read_count(value)
    if not is_rating(rating):
        raise FormError("a rating from 1 to 5 is needed")
    return rating


def is_rating(rating: int) -> bool:
    """Whether a number is a rating: 1 to 5."""
    return 1 <= rating <= 5


RATING = or_none(Form(_same, _read_rating))
"""A rating from 1 to 5, ``None`` without one."""
LABEL = Form(str, _read_label)
"""One of a model's labels."""
LABEL_LIST = Form(list, _read_labels)
"""A model's labels in their order."""
LABEL_COUNTS = Form(dict, _read_label_counts)
"""Counts by label."""
PROBABILITIES = or_none(
    Form(lambda value: {label: rounded(p, 4) for label, p in value.items()}, _read_probabilities)
)
"""Probabilities by label, in the order of the model's labels."""
