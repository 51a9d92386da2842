"""OSC: the running emotion and each utterance as messages over UDP."""

from __future__ import annotations

import math
import re
import socket
from collections.abc import Iterable
from typing import Any

from ser_live.bridges.bridge import require
from ser_live.bridges.osc_map import Message, OscMap, read_map
from ser_live.bridges.running import Running, evidence
from ser_live.errors import UsageError
from ser_live.events import AffectState, EmotionResult, Event, Kind, QueueDepth, SessionStarted
from ser_live.terminal.text import printable

LEAST_DBFS = -120.0
"""Level that stands for silence: OSC has no agreed way to say minus infinity."""

Argument = float | int | bool | str


class OscBridge:
    """Tells a program that understands OSC, ten times a second at most and only on change.

    Every datagram is one bundle to be followed at once. Nobody answers UDP, so whether anything
    arrives is not known; what the system refuses to send is counted.

    Parameters
    ----------
    target : str
        ``HOST:PORT``; the port may be left out where the map has one.
    map_name : str
        ``plain``, ``vrchat``, ``vmc``, or the path of a map.
    pace : str
        As for `EmotionState`.

    Raises
    ------
    UsageError
        The target or the map does not fit.
    MissingExtraError
        python-osc is not installed.
    """

    name = "OSC bridge"
    tick_s: float | None = 0.1

    def __init__(self, target: str, map_name: str = "plain", pace: str = "assistant") -> None:
        require("pythonosc", "osc", "--osc")
        self._map: OscMap = read_map(map_name)
        self._address, self._family = _resolved(target, self._map.port)
        self._target = printable(target)
        self._socket: socket.socket | None = None
        self._running = Running(pace)
        self._labels: tuple[str, ...] = ()
        self._messages: tuple[Message, ...] = ()
        self._told: dict[int, Argument] = {}
        """Latest value of each message, by its place."""
        self._n_sent = 0
        self._n_failed = 0
        self._cause = ""
        self._is_over = False

    @property
    def warning(self) -> str:
        return (
            f"emotions leave this program by OSC for {self._target}, unencrypted: whoever is on "
            "the way can read them."
        )

    @property
    def failure(self) -> str | None:
        if not self._n_failed:
            return None
        many = f"{self._n_failed} of {self._n_failed + self._n_sent} bundles"
        which = many if self._is_over else "some bundles"
        return f"the OSC bridge could not send {which} to {self._target} ({self._cause})."

    def wants(self, event: Event) -> bool:
        return not isinstance(event, QueueDepth)

    def hurry(self) -> None:
        """Nothing is waited for."""

    def open(self) -> None:
        self._socket = socket.socket(self._family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)

    def take(self, event: Event) -> None:
        if isinstance(event, SessionStarted):
            self._labels = event.labels
            self._messages = self._map.for_labels(event.labels)
        self._running.take(event)
        if isinstance(event, EmotionResult) and event.kind is Kind.FINAL and event.probabilities:
            about = _utterance_values(event)
            self._send(
                (told.address, [about[value] for value in told.values])
                for told in self._map.utterances
                # Without a server there are no sessions to tell apart.
                if event.stream.session is not None or "session" not in told.values
            )

    def idle(self, now_s: float) -> None:
        self._tell()

    def close(self) -> None:
        if self._socket is not None:
            self._tell()
            self._socket.close()
            self._socket = None
        self._is_over = True

    def _tell(self) -> None:
        """Send what changed as one bundle."""
        state = self._running.now()
        if state is None:
            return
        now: dict[int, Argument] = {}
        for place, message in enumerate(self._messages):
            value = self._value(message, state)
            if value is not None:
                now[place] = value
        changed = [n for n in now if _differs(self._told.get(n), now[n], self._messages[n].step)]
        if not changed:
            return
        told = now if self._map.is_whole else changed
        self._told.update({n: now[n] for n in told})
        bundle: list[tuple[str, list[Argument]]] = []
        for n in told:
            message = self._messages[n]
            front: list[Argument] = [] if message.text is None else [message.text]
            bundle.append((message.address, [*front, now[n]]))
        self._send([*bundle, *((end, []) for end in self._map.ends)])

    def _value(self, message: Message, state: AffectState) -> Argument | None:
        """Argument of a message; ``None`` where it is undefined, and so not told."""
        if message.value == "label":
            return state.label
        if message.value == "session":
            return state.stream.session
        number = self._number(message, state)
        if number is None:
            return None
        number = number * message.scale + message.offset
        if message.type == "float":
            return float(number)
        return bool(number) if message.type == "bool" else _int32(number)

    def _number(self, message: Message, state: AffectState) -> float | None:
        if message.value == "label_index":
            return self._labels.index(state.label) if state.label in self._labels else -1
        if message.value == "level":
            level = self._running.level_dbfs
            return None if math.isnan(level) else max(LEAST_DBFS, level)
        if message.value in ("probability", "strength"):
            by_name = state.probabilities or {}
            share = sum(by_name.get(label, 0.0) for label in message.labels)
            return share if message.value == "probability" else share * evidence(state)
        value: float | None = getattr(state, message.value)
        return value

    def _send(self, messages: Iterable[tuple[str, list[Argument]]]) -> None:
        from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
        from pythonosc.osc_message_builder import OscMessageBuilder

        # Receivers keep back what is stamped with a time to come, by their own clocks.
        bundle = OscBundleBuilder(IMMEDIATELY)
        n_messages = 0
        for address, arguments in messages:
            message = OscMessageBuilder(address)
            for argument in arguments:
                message.add_arg(argument, _kind_of(argument))
            bundle.add_content(message.build())
            n_messages += 1
        if not n_messages or self._socket is None:
            return
        try:
            self._socket.sendto(bundle.build().dgram, self._address)
            self._n_sent += 1
        except OSError as error:
            self._n_failed += 1
            self._cause = error.strerror or str(error)


def _utterance_values(result: EmotionResult) -> dict[str, Argument]:
    """Values of an utterance that was judged; NaN where one is undefined."""
    return {
        "emotion": result.emotion or "",
        "state": result.state.value,
        "confidence": _float(result.confidence),
        "valence": _float(result.valence),
        "arousal": _float(result.arousal),
        "id": result.id,
        "start_s": result.start_s,
        "end_s": result.end_s,
        "session": result.stream.session or "",
    }


def _float(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _int32(number: float) -> int:
    return max(-(2**31), min(2**31 - 1, round(number)))


def _kind_of(argument: Argument) -> str:
    """Type tag: without one, python-osc sends whole floats as they are, but large ints as int64."""
    if isinstance(argument, bool):
        return "T" if argument else "F"
    if isinstance(argument, int):
        return "i"
    return "s" if isinstance(argument, str) else "f"


def _differs(old: Argument | None, new: Argument, step: float) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        # A whole step: what is 0.01 on paper may be a trace less in the machine.
        return abs(new - old) >= step - 1e-9 and new != old
    return old != new


def _resolved(target: str, usual_port: int | None) -> tuple[Any, socket.AddressFamily]:
    """Address and family of a target, looked up once."""
    shown = printable(target[:100])
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s:\[\]/]+))(?::(\d{1,5}))?", target)
    port = int(found[3]) if found and found[3] else usual_port
    if found is None or port is None or not 0 < port < 65536:
        raise UsageError(
            f"--osc found '{shown}', but needs HOST:PORT, such as 127.0.0.1:9000: correct it."
        )
    try:
        first = socket.getaddrinfo(found[1] or found[2], port, type=socket.SOCK_DGRAM)[0]
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"--osc cannot find the host of '{shown}' ({error}): check its name."
        ) from error
    return first[4], first[0]
