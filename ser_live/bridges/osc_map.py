"""Maps of OSC: which addresses are told which values, as a TOML file says."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ser_live.errors import UsageError
from ser_live.terminal.text import printable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAPS = ("plain", "vrchat", "vmc")
"""Maps that come with the program."""

STATE_VALUES = (
    *("valence", "arousal", "certainty", "speaking", "label", "label_index", "level"),
    *("probability", "strength", "session"),
)
"""Values of a message about the running emotion."""

UTTERANCE_VALUES = (
    *("emotion", "state", "confidence", "valence", "arousal", "id", "start_s", "end_s"),
    "session",
)
"""Values of a message about an utterance."""

TYPES = ("float", "int", "bool", "string")

MAX_BYTES = 64 * 1024
"""Largest file that is read."""

MAX_MESSAGES = 200
"""Messages of one map, those for each label counted singly: all must fit into one datagram."""

LABEL = "{label}"
"""Part of an address that stands for each label of the model."""

_ADDRESS = re.compile(r"(?:/(?:[!-~])+)+")
_FORBIDDEN = frozenset(" #*,?[]{}")
"""Signs that OSC keeps for patterns."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message about the running emotion."""

    address: str
    value: str
    """One of `STATE_VALUES`."""
    type: str = "float"
    labels: tuple[str, ...] = ()
    """Labels whose probabilities are summed up; all, one a message, where the address says so."""
    text: str | None = None
    """Argument in front of the value."""
    scale: float = 1.0
    offset: float = 0.0
    step: float = 0.01
    """Least change that is told."""


@dataclass(frozen=True, kw_only=True)
class UtteranceMessage:
    """One message about an utterance that ended."""

    address: str
    values: tuple[str, ...]
    """Of `UTTERANCE_VALUES`, an argument each."""


@dataclass(frozen=True, kw_only=True)
class OscMap:
    """Messages of a bundle, and their addresses."""

    messages: tuple[Message, ...]
    utterances: tuple[UtteranceMessage, ...] = ()
    ends: tuple[str, ...] = ()
    """Addresses without arguments, after the messages of a bundle."""
    is_whole: bool = False
    """Whether all messages are told when one of them changed."""
    port: int | None = None
    """Port of those who understand it."""

    def for_labels(self, labels: Sequence[str]) -> tuple[Message, ...]:
        """Give the messages for a model, those for each label one by one.

        Raises
        ------
        UsageError
            There are too many.
        """
        found = tuple(self._expanded(labels))
        if len(found) + len(self.ends) > MAX_MESSAGES:
            raise UsageError(
                f"the OSC map has {len(found) + len(self.ends)} messages for {len(labels)} labels, "
                f"but at most {MAX_MESSAGES} fit into one datagram: leave some out."
            )
        return found

    def _expanded(self, labels: Sequence[str]) -> Iterator[Message]:
        for message in self.messages:
            if LABEL not in message.address:
                yield message
                continue
            for label in labels:
                address = message.address.replace(LABEL, address_part(label))
                yield Message(**{**vars(message), "address": address, "labels": (label,)})


def address_part(label: str) -> str:
    """Give a label as a part of an address, with an underscore for what has no place there."""
    return "".join("_" if c in _FORBIDDEN or c == "/" or not "!" <= c <= "~" else c for c in label)


def read_map(name: str) -> OscMap:
    """Read a map by its name, or out of a file of one's own.

    Raises
    ------
    UsageError
        There is none, or it is not a map.
    """
    if name in MAPS:
        text = (files("ser_live.bridges") / "maps" / f"{name}.toml").read_text(encoding="utf-8")
        return _Reader(name).read(text)
    where = f"the OSC map {printable(name)}"
    path = Path(name)
    try:
        if not path.is_file():
            raise UsageError(f"{where} is no file: give {', '.join(MAPS)}, or the path of a map.")
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{where} is larger than {MAX_BYTES} bytes: a map is a small text.")
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise UsageError(f"{where} cannot be read ({cause}): give another file.") from error
    return _Reader(name).read(text)


class _Reader:
    """Reads one map, and says where it does not fit."""

    def __init__(self, name: str) -> None:
        self._where = f"the OSC map {printable(name)}"

    def read(self, text: str) -> OscMap:
        try:
            content = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageError(
                f"{self._where} is no TOML ({printable(str(error))}): correct it, or begin with a "
                "copy of a map in docs/bridges.md."
            ) from error
        self._known(content, ("send", "step", "port", "message", "utterance", "end"), "at the top")
        step = self._number(content, "step", 0.01, "at the top", least=0.0)
        send = self._word(content, "send", ("changes", "whole"), "changes", "at the top")
        port = content.get("port")
        if port is not None and (type(port) is not int or not 0 < port < 65536):
            raise self._misfit("port", "at the top", "a number from 1 to 65535")
        found = OscMap(
            messages=tuple(
                self._message(t, at, step) for t, at in self._tables(content, "message")
            ),
            utterances=tuple(
                self._utterance(t, at) for t, at in self._tables(content, "utterance")
            ),
            ends=tuple(self._end(t, at) for t, at in self._tables(content, "end")),
            is_whole=send == "whole",
            port=port,
        )
        if not found.messages and not found.utterances:
            raise UsageError(f"{self._where} has no [[message]] and no [[utterance]]: add one.")
        return found

    def _tables(
        self, content: Mapping[str, Any], name: str
    ) -> Iterator[tuple[Mapping[str, Any], str]]:
        tables = content.get(name, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise self._misfit(name, "at the top", f"tables, each below [[{name}]],")
        if len(tables) > MAX_MESSAGES:
            raise UsageError(
                f"{self._where} has {len(tables)} tables [[{name}]], but at most {MAX_MESSAGES} "
                "fit into one datagram: leave some out."
            )
        for number, table in enumerate(tables, 1):
            yield table, f"in [[{name}]] number {number}"

    def _message(self, table: Mapping[str, Any], at: str, step: float) -> Message:
        known = ("address", "value", "type", "labels", "text", "scale", "offset", "step")
        self._known(table, known, at)
        address = self._address(table, at)
        value = self._word(table, "value", STATE_VALUES, None, at)
        of_labels = value in ("probability", "strength")
        labels = table.get("labels", [])
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise self._misfit("labels", at, "a list of labels")
        if of_labels == (not labels and LABEL not in address):
            raise UsageError(
                f"{self._where} has {at} the value {value}, which needs labels, or {LABEL} in the "
                f"address, if it is probability or strength and else neither: correct it."
            )
        text = table.get("text")
        if text is not None and (not isinstance(text, str) or len(text) > 100 or "\0" in text):
            raise self._misfit("text", at, "a text of at most 100 characters")
        is_text = value in ("label", "session")
        type_ = self._word(table, "type", TYPES, "string" if is_text else "float", at)
        if (type_ == "string") != is_text:
            raise self._misfit("type", at, f"another type for {value}")
        return Message(
            address=address,
            value=value,
            type=type_,
            labels=tuple(labels),
            text=text,
            scale=self._number(table, "scale", 1.0, at),
            offset=self._number(table, "offset", 0.0, at),
            step=self._number(table, "step", step, at, least=0.0),
        )

    def _utterance(self, table: Mapping[str, Any], at: str) -> UtteranceMessage:
        self._known(table, ("address", "values"), at)
        values = table.get("values")
        if not isinstance(values, list) or not values or len(values) > len(UTTERANCE_VALUES):
            raise self._misfit("values", at, f"a list of some of {', '.join(UTTERANCE_VALUES)}")
        for value in values:
            self._word({"values": value}, "values", UTTERANCE_VALUES, None, at)
        return UtteranceMessage(address=self._address(table, at, "values"), values=tuple(values))

    def _end(self, table: Mapping[str, Any], at: str) -> str:
        self._known(table, ("address",), at)
        return self._address(table, at, "end")

    def _address(self, table: Mapping[str, Any], at: str, kind: str = "message") -> str:
        address = table.get("address")
        plain = address.replace(LABEL, "label") if isinstance(address, str) else ""
        may_have_label = kind == "message"
        if (
            not _ADDRESS.fullmatch(plain)
            or len(plain) > 200
            or _FORBIDDEN & set(plain)
            or (not may_have_label and plain != address)
        ):
            raise self._misfit(
                "address", at, "a path such as /a/b, of at most 200 ASCII letters, digits and signs"
            )
        return str(address)

    def _known(self, table: Mapping[str, Any], names: Sequence[str], at: str) -> None:
        for key in table:
            if key not in names:
                raise UsageError(
                    f"{self._where} has {at} the unknown key '{printable(key[:40])}': "
                    f"{', '.join(names)} are known."
                )

    def _word(
        self,
        table: Mapping[str, Any],
        key: str,
        words: Sequence[str],
        usual: str | None,
        at: str,
    ) -> str:
        value = table.get(key, usual)
        if not isinstance(value, str) or value not in words:
            raise self._misfit(key, at, f"one of {', '.join(words)}")
        return value

    def _number(
        self,
        table: Mapping[str, Any],
        key: str,
        usual: float,
        at: str,
        least: float = -1e6,
    ) -> float:
        value = table.get(key, usual)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not least <= value <= 1e6:  # NaN is not, either
            raise self._misfit(key, at, f"a number from {least:g} to 1e+06")
        return float(value)

    def _misfit(self, key: str, at: str, need: str) -> UsageError:
        return UsageError(f"{self._where} has {at} a {key} that does not fit: {need} is needed.")
