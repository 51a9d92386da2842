"""A microphone that may be unplugged and comes back."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ser_live.errors import DeviceError
from ser_live.events.kinds import Cause
from ser_live.sources.device_change import DeviceChange
from ser_live.sources.device_search import DeviceSearch
from ser_live.sources.devices import InputDevice, accepts, choose_format
from ser_live.sources.format_adapter import FormatAdapter
from ser_live.sources.microphone import MicrophoneSource
from ser_live.sources.protocol import (
    AudioSource,
    DeviceNotice,
    Lost,
    MicrophoneFound,
    MicrophoneLost,
    MicrophoneSought,
    SignalNotice,
)
from ser_live.sources.steady_clock import steady_s

_POLL_S = 0.015
_SOUGHT_EVERY_S = 1.0

Item = NDArray[np.float32] | Lost | DeviceNotice


def _is_same(one: InputDevice, other: InputDevice) -> bool:
    return (one.name, one.host_api) == (other.name, other.host_api)


class ReconnectingMicrophone(AudioSource):
    """A microphone that is looked for when it is lost, while the stream goes on.

    The device that was chosen is tried first, then the system's default one. What was
    heard before the loss is given first, then `MicrophoneLost`; once a device is heard again,
    `Lost` tells how much was missed, then `MicrophoneFound`. Every sample between the first
    and the last is given or counted as lost. A device that stands in is kept until it is
    lost itself: going back would cost another gap. `change_to` hears another device, which is
    told in the same way, with a gap shorter than a block; one that does not open leaves the
    present one as it is, with a `SignalNotice`.

    The stream keeps the rate and the channel count of the first opening; a device that
    comes back with others is converted to them.

    Parameters
    ----------
    device, sample_rate, n_channels
        As for `MicrophoneSource`. The channel count is asked of every device that is
        found, the rate only where the device takes it.
    wait_s : float
        How long a lost device is waited for, in seconds; 0 ends the stream at once.
    make : callable
        Makes the source of a device.
    """

    is_live = True
    file: str | None = None
    no_signal_hint = MicrophoneSource.no_signal_hint

    def __init__(
        self,
        device: int | str | None = None,
        sample_rate: int | None = None,
        n_channels: int | None = None,
        wait_s: float = math.inf,
        make: Callable[..., MicrophoneSource] = MicrophoneSource,
    ) -> None:
        self._make = make
        self._n_channels_wanted = n_channels
        self._wait_s = wait_s
        self._microphone = make(device, sample_rate=sample_rate, n_channels=n_channels)
        self._wanted: InputDevice | None = None
        self._adapter: FormatAdapter | None = None
        self._search: DeviceSearch | None = None
        self._asked: InputDevice | None = None
        """Device to change to, as any thread may ask; taken by `read`."""
        self._change: DeviceChange | None = None
        self._chosen: InputDevice | None = None
        """Device that the search looks for because somebody chose it."""
        self._arriving: tuple[MicrophoneFound, Cause] | None = None
        """News that waits for the first audio of a device that is later than all heard before."""
        self._loss: DeviceError | None = None
        """Error with which the microphone was lost; ``None`` while it is heard."""
        self._cause = Cause.STALLED
        """Cause of the latest loss."""
        self._end: DeviceError | None = None
        """Error that `read` raises once everything was given."""
        self._pending: deque[Item] = deque()
        self._is_closed = False
        self._closed_s = math.nan
        self._n_given = 0
        """Native samples given, or reported as lost, since the latest opening."""
        self._heard_until_s = 0.0
        self._sought_s = 0.0
        self.name = self._microphone.name
        self.sample_rate = 0
        self.n_channels = 0

    @property
    def exhausted(self) -> bool:
        is_waiting = self._pending or self._loss is not None or self._end is not None
        return not is_waiting and self._microphone.exhausted

    def open(self) -> None:
        """Open the microphone; one that is missing now is an error, not waited for."""
        try:
            self._microphone.open()
        except BaseException:
            self.close()
            raise
        self._wanted = self._microphone.device
        self.name = self._microphone.name
        self.sample_rate = self._microphone.sample_rate
        self.n_channels = self._microphone.n_channels

    @property
    def device(self) -> InputDevice | None:
        """The device that is heard, or was until it was lost; ``None`` before `open`."""
        return self._microphone.device

    def change_to(self, device: InputDevice) -> None:
        """Hear another device from soon on; from any thread, at once. The last one asked counts.

        It is opened beside the present one, which is heard until the other gives audio.
        """
        self._asked = device

    def read(self, timeout_s: float) -> Item | None:
        """Wait for audio or news of the device; see `AudioSource.read`.

        Raises
        ------
        DeviceError
            The device never gave anything, or was not found again in time.
        """
        deadline_s = time.monotonic() + timeout_s
        while not self._pending:
            if self._end is not None:
                end, self._end = self._end, None
                raise end
            remaining_s = max(0.0, deadline_s - time.monotonic())
            self._attend_change()
            if self._loss is None:
                self._hear(remaining_s)
            else:
                self._look_for_it(self._loss)
                if not self._pending:
                    time.sleep(min(_POLL_S, remaining_s))
            if self.exhausted or time.monotonic() >= deadline_s:
                break
        return self._pending.popleft() if self._pending else None

    def close(self) -> None:
        """End the stream, within 2 s; what was heard before stays readable."""
        if self._is_closed:
            return
        self._is_closed = True
        self._closed_s = steady_s()
        if self._change is not None:
            self._change.stop()
            self._change = None
        if self._search is None:
            self._microphone.close()
        else:
            self._search.stop()

    # -- while the microphone is there

    def _hear(self, timeout_s: float) -> None:
        try:
            item = self._microphone.read(timeout_s)
        except DeviceError as error:
            if self._n_given == 0 or self._wanted is None:
                raise
            self._lose(error, self._wanted)
            return
        if item is not None:
            self._give(item)
        elif self._microphone.exhausted:
            self._drain_adapter()

    def _give(self, item: NDArray[np.float32] | Lost) -> None:
        begin_s = self._microphone.origin_s + self._n_given / max(1, self._microphone.sample_rate)
        self._n_given += item.n_samples if isinstance(item, Lost) else len(item)
        if self._arriving is not None:
            if begin_s < self._heard_until_s:
                return  # the other device was heard at that time
            self._arrive(begin_s)
        self._pending.extend([item] if self._adapter is None else self._adapter.push(item))

    def _drain_adapter(self) -> None:
        if self._adapter is not None:
            self._pending.extend(self._adapter.flush())
            self._adapter = None

    def _lose(self, error: DeviceError, wanted: InputDevice) -> None:
        lost = self._microphone
        # A block may have come while the loss was being noticed.
        while (item := lost.read(0.0)) is not None:
            self._give(item)
        self._drain_adapter()
        end_s = lost.origin_s + self._n_given / lost.sample_rate
        if self._arriving is not None:  # gone before it was heard
            end_s = max(end_s, self._heard_until_s)
            self._arrive(end_s)
        self._loss = error
        self._heard_until_s = end_s
        self._sought_s = -math.inf
        self._cause = lost.end_cause or Cause.STALLED
        what = "was disconnected" if self._cause is Cause.DISCONNECTED else "fell silent"
        self._pending.append(
            MicrophoneLost(
                device=lost.name,
                cause=self._cause,
                message=f"{lost.name} {what}, and a microphone is needed: check its plug and the "
                "sound server; it is looked for meanwhile.",
            )
        )
        # While another device is opened PortAudio may not be started anew, as a search does.
        if self._wait_s > 0 and self._change is None:
            self._search = DeviceSearch(lost, wanted, self._made_again)

    # -- while it is gone

    def _look_for_it(self, loss: DeviceError) -> None:
        search, now_s = self._search, steady_s()
        waited_s = now_s - self._heard_until_s
        if self._is_closed:
            self._end_loss(self._closed_s)
        elif search is not None and search.failure is not None:
            raise search.failure
        elif search is not None and search.found is not None:
            self._take_up(*search.found)
        elif waited_s >= self._wait_s:
            self._end_loss(now_s)
            self._end = loss if self._wait_s == 0 else self._gave_up()
        elif now_s - self._sought_s >= _SOUGHT_EVERY_S:
            self._sought_s = now_s
            self._pending.append(MicrophoneSought(waited_s=waited_s))

    def _made_again(self, device: InputDevice) -> MicrophoneSource:
        """The source of a device that was found; called by the search."""
        as_before = self.sample_rate, self.n_channels
        if accepts(device, *as_before):
            return self._make(device, *as_before)
        other = choose_format(device, None, self._n_channels_wanted)
        # Asked again: the device may have come back only between the two questions.
        return self._make(device, *(as_before if accepts(device, *as_before) else other))

    def _take_up(self, found: MicrophoneSource, first: NDArray[np.float32] | Lost) -> None:
        """Go on with the microphone that was found."""
        self._end_loss(found.origin_s)
        self._search = None
        chosen, self._chosen = self._chosen, None
        is_chosen = (
            chosen is not None and found.device is not None and _is_same(found.device, chosen)
        )
        self._pending.append(self._follow(found, is_chosen=is_chosen))
        self._give(first)
        if chosen is not None and not is_chosen and self._asked is None:
            # The search had found another one by then: the wish still stands.
            self._asked = chosen

    def _follow(self, found: MicrophoneSource, *, is_chosen: bool) -> MicrophoneFound:
        """Hear another microphone from here on; the news of it."""
        lost_name = self._microphone.name
        self._microphone, self._n_given = found, 0
        self.name = found.name
        if is_chosen:
            self._wanted = found.device
        if (found.sample_rate, found.n_channels) != (self.sample_rate, self.n_channels):
            self._adapter = FormatAdapter(
                found.sample_rate,
                found.n_channels,
                to_rate=self.sample_rate,
                to_channels=self.n_channels,
            )
        return MicrophoneFound(
            device=found.name,
            sample_rate=found.sample_rate,
            n_channels=found.n_channels,
            lost_device=lost_name,
            is_chosen=is_chosen,
        )

    def _end_loss(self, until_s: float) -> None:
        """Report how much was missed, up to a moment on the steady clock."""
        n_missed = max(0, round((until_s - self._heard_until_s) * self.sample_rate))
        self._pending.append(Lost(n_missed, self._cause))
        self._loss = None

    # -- while another one was asked for

    def _attend_change(self) -> None:
        """Begin a change that was asked for, and end one that is ready."""
        if self._is_closed:
            return
        asked, change = self._asked, self._change
        if asked is not None and change is None:
            self._asked = None
            self._begin_change(asked)
        elif change is None or self._arriving is not None:
            return
        elif change.failure is not None:
            raise change.failure
        elif change.refusal is not None:
            self._change = None
            self._refuse_change(change.refusal)
        elif change.found is not None:
            self._change = None
            self._make_change(*change.found)

    def _begin_change(self, asked: InputDevice) -> None:
        if self._search is not None:
            self._chosen = self._wanted = asked
            self._search.look_for(asked)
        elif self._loss is None and self.device is not None and _is_same(self.device, asked):
            self._pending.append(SignalNotice(message=f"{asked.name} is heard already."))
        else:
            self._change = DeviceChange(asked, self._made_again)

    def _refuse_change(self, refusal: DeviceError) -> None:
        if self._loss is None:
            text = f"{str(refusal).rstrip('.')}; {self._microphone.name} is heard as before."
        else:
            text = str(refusal)
        self._pending.append(SignalNotice(message=text))
        if self._loss is not None and self._wait_s > 0 and self._wanted is not None:
            self._search = DeviceSearch(self._microphone, self._wanted, self._made_again)

    def _make_change(self, found: MicrophoneSource, first: NDArray[np.float32] | Lost) -> None:
        """Go on with the device that was chosen."""
        left, cause = self._microphone, self._cause
        left.close()
        if self._loss is None:
            # What it captured up to its end is heard; only then the other begins.
            while (item := left.read(0.0)) is not None:
                self._give(item)
            self._drain_adapter()
            self._heard_until_s = left.origin_s + self._n_given / left.sample_rate
            cause = Cause.CHANGED
        self._loss = None
        self._arriving = self._follow(found, is_chosen=True), cause
        self._give(first)

    def _arrive(self, begin_s: float) -> None:
        """Tell of the device that was chosen, whose audio begins here."""
        assert self._arriving is not None  # noqa: S101  the caller looked
        (news, cause), self._arriving = self._arriving, None
        n_missed = max(0, round((begin_s - self._heard_until_s) * self.sample_rate))
        self._pending.extend([Lost(n_missed, cause), news])

    def _gave_up(self) -> DeviceError:
        return DeviceError(
            f"{self._microphone.name} did not come back within {self._wait_s:g} s, but a "
            "microphone is needed: check its plug and the sound server, then start again, or "
            "wait longer with --device-wait."
        )
