"""Choosing among devices and formats; the real list is tested in test_microphone."""

from __future__ import annotations

import pytest
from sick_machine import NO_PORTAUDIO, failing_portaudio, run, without

from ser_live.errors import DeviceError
from ser_live.sources.devices import InputDevice, choose_device, choose_format, same_device


def device(
    index: int,
    name: str,
    host_api: str = "ALSA",
    n_channels: int = 2,
    rate: int = 48000,
    is_default: bool = False,
) -> InputDevice:
    return InputDevice(index, name, host_api, n_channels, rate, is_default)


LINUX = [
    device(0, "HDA Intel: ALC662 (hw:0,0)"),
    device(3, "USB Headset: Audio (hw:1,0)", n_channels=1),
    device(5, "USB Headset: Audio (hw:2,0)", n_channels=1),
    device(7, "pulse", n_channels=32, is_default=True),
    device(8, "pulse monitor", n_channels=32),
]

WINDOWS = [
    device(1, "Microphone (Realtek High Defini", "MME", is_default=True),
    device(6, "Microphone (Realtek High Definition)", "Windows DirectSound"),
    device(12, "Microphone (Realtek High Definition)", "Windows WASAPI"),
]


class TestSameDevice:
    @pytest.mark.parametrize(
        ("lost", "index"),
        [
            (device(9, "pulse"), 7),  # by its name, wherever it stands in the list
            (device(3, "USB Headset: Audio (hw:2,0)"), 5),  # the exact name first
            (device(3, "USB Headset: Audio (hw:4,0)"), 3),  # plugged into another socket
            (device(3, "USB Headset: Audio (hw:4,0)", "JACK"), None),
            (device(0, "HDA Intel"), None),
            (device(0, "puls"), None),
        ],
    )
    def test_found_again(self, lost, index):
        """A device is known by name and host API, not by its index nor its socket."""
        found = same_device(LINUX, lost)
        assert (None if found is None else found.index) == index

    def test_another_socket_on_windows(self):
        """Windows puts a number in front when a device comes back in another socket."""
        now = [device(4, "Microphone (2- USB Audio)", "MME")]
        assert same_device(now, device(1, "Microphone (USB Audio)", "MME")) == now[0]


class TestChooseDevice:
    @pytest.mark.parametrize(
        ("wanted", "index"),
        [
            (None, 7),
            (3, 3),
            ("3", 3),
            (" 5 ", 5),
            ("alc662", 0),
            ("hw:2", 5),
            ("INTEL", 0),
            ("monitor", 8),
            ("pulse", 7),  # in full wins over "pulse monitor"
            ("Pulse, alsa", 7),
        ],
    )
    def test_found(self, wanted, index):
        """Index, any part of the name in any case, the name in full, or the default."""
        assert choose_device(LINUX, wanted).index == index

    def test_two_match(self):
        """A name that fits two devices is refused and both are named with their numbers."""
        sentence = (
            r"“headset” fits 2 input devices.*3 USB Headset: Audio \(hw:1,0\) \(ALSA\) or "
            r"5 USB Headset: Audio \(hw:2,0\) \(ALSA\)"
        )
        with pytest.raises(DeviceError, match=sentence):
            choose_device(LINUX, "headset")

    def test_same_device_under_several_host_apis(self):
        """One microphone under several host APIs is taken from the default one, or as named."""
        assert choose_device(WINDOWS, "microphone").index == 1
        assert choose_device(WINDOWS, "definition), windows wasapi").index == 12

    def test_no_match(self):
        """A name that fits nothing is refused with the list of what there is."""
        with pytest.raises(
            DeviceError, match=r"No input device has “webcam”.*: choose .*7 pulse \(ALSA\)"
        ):
            choose_device(LINUX, "webcam")

    def test_no_such_index(self):
        """An index that is no input device is refused with the list."""
        with pytest.raises(DeviceError, match=r"no input device 4, .*0 HDA Intel"):
            choose_device(LINUX, 4)

    def test_many_digits(self):
        """More digits than any index has are part of a name, however many there are."""
        serial = device(9, "Recorder 0012345678901")
        assert choose_device([*LINUX, serial], "0012345678901").index == 9
        with pytest.raises(DeviceError, match=r"No input device has “999"):
            choose_device(LINUX, "9" * 5000)

    @pytest.mark.parametrize("wanted", [None, 0, "usb"])
    def test_no_devices(self, wanted):
        """Without any device the sentence says to connect one."""
        with pytest.raises(DeviceError, match=r"No input device was found.*connect one"):
            choose_device([], wanted)

    def test_no_default(self):
        """Devices without a default among them: one must be chosen."""
        with pytest.raises(DeviceError, match=r"no default input device.*`-d`"):
            choose_device([LINUX[0]], None)


class TestChooseFormat:
    def format(self, accepted: set[tuple[int, int]], **asked: int) -> tuple[int, int]:
        return choose_format(
            device(0, "card", n_channels=4, rate=48000),
            is_accepted=lambda _, rate, n_channels: (rate, n_channels) in accepted,
            **asked,
        )

    @pytest.mark.parametrize(
        ("accepted", "chosen"),
        [
            ({(16000, 1), (48000, 2)}, (16000, 1)),
            ({(48000, 1), (48000, 2)}, (48000, 1)),
            ({(16000, 2), (48000, 1)}, (16000, 2)),
            ({(44100, 4)}, (44100, 4)),
            ({(48000, 2), (44100, 1)}, (48000, 2)),
        ],
    )
    def test_nearest(self, accepted, chosen):
        """16 kHz mono where accepted, else the device's rate, then other usual ones."""
        assert self.format(accepted) == chosen

    def test_asked(self):
        """A rate or channel count asked for is taken, or refused, but not replaced."""
        every = {(rate, n) for rate in (16000, 44100) for n in (1, 2)}
        assert self.format(every, sample_rate=44100) == (44100, 1)
        assert self.format(every, n_channels=2) == (16000, 2)
        with pytest.raises(DeviceError, match=r"card refuses 48000 Hz with 1 or 2 or 4 channel"):
            self.format(every, sample_rate=48000)

    def test_nothing_accepted(self):
        """A device that accepts nothing is refused with what was tried."""
        with pytest.raises(DeviceError, match="card refuses 16000 Hz or 48000 Hz or 44100 Hz"):
            self.format(set())

    def test_more_channels_than_there_are(self):
        """A channel count that the device lacks is refused."""
        with pytest.raises(DeviceError, match=r"with 6 channel\(s\) out of its 4"):
            self.format({(16000, 6)}, n_channels=6)


class TestSickPortAudio:
    @pytest.mark.parametrize(
        ("function", "said"),
        [
            ("Pa_Initialize", "PortAudio does not start (Error initializing PortAudio"),
            ("Pa_GetDeviceCount", "PortAudio cannot list the devices (Unanticipated host error"),
        ],
    )
    @pytest.mark.parametrize("arguments", [("-l",), ("--no-log", "--model", "classic")])
    def test_it_is_an_error_of_the_device(self, arguments, function, said):
        """Listing and listening end with one sentence and the exit code of a device."""
        result = run(*arguments, prelude=failing_portaudio(function))
        assert result.returncode == 4
        assert said in result.stderr
        assert "check that the sound server runs." in result.stderr
        assert "Traceback" not in result.stderr

    def test_the_library_is_missing(self):
        """Without the PortAudio library the sentence says what to install."""
        result = run("-l", prelude=NO_PORTAUDIO)
        assert result.returncode == 4
        assert "PortAudio library was not found" in result.stderr
        assert "apt install libportaudio2" in result.stderr

    def test_sounddevice_cannot_be_imported(self):
        """A missing package is said by its name, with the exit code of a device."""
        result = run("-l", prelude=without("sounddevice"))
        assert result.returncode == 4
        assert "sounddevice cannot be imported" in result.stderr
        assert "install ser-live again" in result.stderr
