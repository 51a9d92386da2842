"""Another microphone chosen, with devices whose times and faults are laid down."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from golden_frames import DEVICES
from numpy.typing import NDArray

from ser_live.errors import DeviceError
from ser_live.events import Cause
from ser_live.sources import (
    Lost,
    MicrophoneFound,
    MicrophoneLost,
    MicrophoneSought,
    ReconnectingMicrophone,
    SignalNotice,
)
from ser_live.sources import device_change as changing
from ser_live.sources import device_search as search
from ser_live.sources import reconnecting as module
from ser_live.sources.devices import InputDevice

RATE = 16_000
BLOCK = 960
FIRST, SECOND = DEVICES[1], DEVICES[2]


class Laid:
    """Stand in for a device: blocks of one value from a moment on, as many as were laid down.

    A real one cannot be made to begin, overlap or die to the sample.
    """

    def __init__(
        self,
        device: InputDevice,
        value: float,
        origin_s: float,
        n_blocks: int,
        *,
        rate: int = RATE,
        fault: DeviceError | None = None,
        refuses: bool = False,
    ) -> None:
        self.device: InputDevice = device
        self.name = device.name
        self.origin_s = origin_s
        self.sample_rate, self.n_channels = rate, 1
        self.end_cause: Cause | None = None
        self.is_closed = False
        self._value = value
        self._n_left = n_blocks
        self._fault = fault
        self._refuses = refuses

    @property
    def exhausted(self) -> bool:
        return self.is_closed and self._n_left == 0

    def open(self) -> None:
        if self._refuses:
            raise DeviceError(
                f"{self.name} cannot be opened, but a microphone is needed: try again."
            )

    def read(self, timeout_s: float) -> NDArray[np.float32] | None:
        if self._n_left:
            self._n_left -= 1
            return np.full((BLOCK, 1), self._value, np.float32)
        if self._fault is not None and not self.is_closed:
            self.end_cause, self.is_closed = Cause.DISCONNECTED, True
            raise self._fault
        time.sleep(min(timeout_s, 0.002))
        return None

    def close(self) -> None:
        self.is_closed = True


class Bench:
    """A microphone over laid-down devices, and what it gave."""

    def __init__(self, first: Laid, others: list[Laid], wait_s: float = 0.0) -> None:
        makes = iter([first, *others])
        self.microphone = ReconnectingMicrophone(make=lambda *_, **__: next(makes), wait_s=wait_s)  # type: ignore[arg-type]
        self.microphone.open()
        self.given: list[Any] = []

    def read_until(self, is_so: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + 20
        while not is_so():
            assert time.monotonic() < deadline_s, self.given
            item = self.microphone.read(0.01)
            if item is not None:
                self.given.append(item)

    def of(self, kind: type[Any]) -> list[Any]:
        return [item for item in self.given if isinstance(item, kind)]

    @property
    def n_samples(self) -> int:
        """Length on the clock of all that was given."""
        sizes = [
            i.n_samples if isinstance(i, Lost) else len(i) for i in self.of((Lost, np.ndarray))
        ]
        return sum(sizes)


@pytest.fixture(autouse=True)
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of devices, and formats that all of them take; nothing is waited for."""
    monkeypatch.setattr(changing, "list_devices", lambda: list(DEVICES))
    monkeypatch.setattr(module, "accepts", lambda *_: True)
    monkeypatch.setattr(changing, "_SETTLE_S", 0.0)


def test_what_both_heard_is_taken_from_the_first_and_the_clock_is_true() -> None:
    """The second began 0.30 s before the first ended: its blocks of that time are let go."""
    old, new = Laid(FIRST, 0.1, 100.0, 20), Laid(SECOND, 0.2, 100.9, 40)
    bench = Bench(old, [new])
    bench.read_until(lambda: len(bench.given) == 20)
    bench.microphone.change_to(SECOND)
    bench.read_until(lambda: bool(bench.of(MicrophoneFound)))
    bench.read_until(lambda: len(bench.of(np.ndarray)) == 20 + 35)
    (lost,) = bench.of(Lost)
    (found,) = bench.of(MicrophoneFound)
    assert lost.cause is Cause.CHANGED
    assert lost.n_samples == 0, "0.30 s are five whole blocks"
    assert (found.device, found.lost_device, found.is_chosen) == ("default", "headset", True)
    assert old.is_closed
    assert not new.is_closed
    values = [float(item[0, 0]) for item in bench.of(np.ndarray)]
    assert values == pytest.approx([0.1] * 20 + [0.2] * 35)
    assert bench.n_samples == 55 * BLOCK
    assert bench.microphone.device == SECOND


def test_the_gap_is_what_lies_between_two_blocks() -> None:
    """A block that the first end cuts through is let go, and its rest is the gap."""
    bench = Bench(Laid(FIRST, 0.1, 100.0, 20), [Laid(SECOND, 0.2, 101.17, 9)])
    bench.read_until(lambda: len(bench.given) == 20)
    bench.microphone.change_to(SECOND)
    bench.read_until(lambda: len(bench.of(np.ndarray)) == 28)
    (lost,) = bench.of(Lost)
    assert lost.n_samples == pytest.approx(0.03 * RATE, abs=1)
    assert [isinstance(item, Lost) for item in bench.given[:21]] == [False] * 20 + [True]


def test_another_rate_is_converted_to_that_of_the_stream() -> None:
    """The stream keeps the rate of its first device."""
    bench = Bench(Laid(FIRST, 0.1, 100.0, 20), [Laid(SECOND, 0.2, 101.2, 60, rate=48_000)])
    bench.read_until(lambda: len(bench.given) == 20)
    bench.microphone.change_to(SECOND)
    bench.read_until(lambda: bench.n_samples > 20 * BLOCK + 50 * BLOCK // 3)
    (found,) = bench.of(MicrophoneFound)
    assert found.sample_rate == 48_000
    assert bench.microphone.sample_rate == RATE


def test_one_that_refuses_is_told_in_a_sentence_and_the_other_heard_on() -> None:
    """No gap; the one heard before may be chosen again, which does nothing."""
    old, new = Laid(FIRST, 0.1, 100.0, 60), Laid(SECOND, 0.2, 0.0, 0, refuses=True)
    bench = Bench(old, [new])
    bench.microphone.change_to(SECOND)
    bench.read_until(lambda: bool(bench.of(SignalNotice)) and len(bench.of(np.ndarray)) == 60)
    (notice,) = bench.of(SignalNotice)
    assert notice.message == (
        "default cannot be opened, but a microphone is needed: try again; headset is heard as "
        "before."
    )
    assert new.is_closed
    assert not old.is_closed
    assert bench.of(Lost) == []
    bench.microphone.change_to(FIRST)
    bench.read_until(lambda: len(bench.of(SignalNotice)) == 2)
    assert bench.of(SignalNotice)[1].message == "headset is heard already."


def test_one_that_is_not_there_any_more_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is older than the choice."""
    monkeypatch.setattr(changing, "list_devices", lambda: [FIRST])
    bench = Bench(Laid(FIRST, 0.1, 100.0, 5), [])
    bench.microphone.change_to(SECOND)
    bench.read_until(lambda: bool(bench.of(SignalNotice)))
    assert "default is not there any more" in bench.of(SignalNotice)[0].message


def test_a_loss_while_another_is_opened_ends_with_that_one() -> None:
    """The device that was chosen is taken up, and the time between is lost to the loss."""
    fault = DeviceError("headset stopped delivering audio.")
    old = Laid(FIRST, 0.1, 100.0, 20, fault=fault)
    new = Laid(SECOND, 0.2, 101.5, 40)
    bench = Bench(old, [new], wait_s=math.inf)
    bench.read_until(lambda: len(bench.given) == 19)
    opens = new.open

    def slowly() -> None:
        while not bench.of(MicrophoneLost):
            time.sleep(0.005)
        opens()

    new.open = slowly  # type: ignore[method-assign]
    bench.microphone.change_to(SECOND)
    bench.read_until(lambda: len(bench.of(np.ndarray)) == 60)
    (lost,) = bench.of(Lost)
    assert lost.cause is Cause.DISCONNECTED
    assert lost.n_samples == pytest.approx(0.3 * RATE, abs=1)
    (found,) = bench.of(MicrophoneFound)
    assert found.is_chosen
    news = [i for i in bench.given if not isinstance(i, np.ndarray | MicrophoneSought)]
    assert [type(i) for i in news] == [
        MicrophoneLost, Lost, MicrophoneFound,
    ]  # fmt: skip


def test_one_chosen_when_the_lost_one_was_just_found_is_heard_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The search has its result, which nobody has read yet, as the other is asked for."""
    monkeypatch.setattr(search, "list_devices", lambda: list(DEVICES))
    monkeypatch.setattr(search, "read_devices_anew", lambda: None)
    fault = DeviceError("headset is gone, but a microphone is needed: check its plug.")
    old = Laid(FIRST, 0.1, 100.0, 2, fault=fault)
    again, new = Laid(FIRST, 0.1, 100.5, 5), Laid(SECOND, 0.2, 101.0, 40)
    bench = Bench(old, [again, new], wait_s=60.0)
    bench.read_until(lambda: bool(bench.of(MicrophoneLost)))
    looking = bench.microphone._search
    assert looking is not None
    looking._thread.join(timeout=20)
    assert looking.found is not None
    bench.microphone.change_to(SECOND)
    bench.read_until(lambda: len(bench.of(MicrophoneFound)) == 2)
    assert [(f.device, f.is_chosen) for f in bench.of(MicrophoneFound)] == [
        ("headset", False),
        ("default", True),
    ]


def test_a_chosen_one_that_dies_at_once_is_told_before_its_loss() -> None:
    """Also where nothing of it was heard that the first had not heard too."""
    fault = DeviceError("default stopped delivering audio.")
    bench = Bench(Laid(FIRST, 0.1, 100.0, 20), [Laid(SECOND, 0.2, 101.0, 2, fault=fault)])
    bench.read_until(lambda: len(bench.given) == 20)
    bench.microphone.change_to(SECOND)
    with pytest.raises(DeviceError, match="default stopped"):
        bench.read_until(lambda: False)
    kinds = [type(item) for item in bench.given[20:]]
    assert kinds == [Lost, MicrophoneFound, MicrophoneLost, Lost]
    assert [item.cause for item in bench.of(Lost)] == [Cause.CHANGED, Cause.DISCONNECTED]


def test_closing_while_another_is_opened_closes_both() -> None:
    """Nothing is left open, and nothing waits for long."""
    old, new = Laid(FIRST, 0.1, 100.0, 5), Laid(SECOND, 0.2, 101.0, 0)
    bench = Bench(old, [new])
    bench.microphone.change_to(SECOND)
    bench.read_until(lambda: len(bench.given) == 5)
    began_s = time.monotonic()
    bench.microphone.close()
    bench.microphone.close()
    assert time.monotonic() - began_s < 2.5
    assert old.is_closed
    assert new.is_closed
    assert bench.microphone.exhausted
    bench.microphone.change_to(FIRST)
    assert bench.microphone.read(0.0) is None


def test_the_list_is_not_waited_for_where_portaudio_is_held() -> None:
    """A key answers soon though a stream does not close."""
    with changing.portaudio_lock:
        began_s = time.monotonic()
        with pytest.raises(DeviceError, match="does not answer"):
            changing.known_devices()
        assert time.monotonic() - began_s < 2.0
