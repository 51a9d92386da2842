"""OSC: what two foreign clients read, and maps that do not fit."""

from __future__ import annotations

import math
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import told_events as made
from debian_packages import missing_programs

pytest.importorskip("pythonosc", reason="needs the extra osc")

from pythonosc.osc_bundle import OscBundle
from pythonosc.parsing.osc_types import IMMEDIATELY

from ser_live.bridges.bridge import BridgeThread
from ser_live.bridges.osc import OscBridge
from ser_live.bridges.osc_map import MAX_BYTES, MAX_MESSAGES, address_part, read_map
from ser_live.errors import UsageError
from ser_live.events import Event, Verdict

Told = list[tuple[str, list[object]]]


class Receiver:
    """A UDP socket read by python-osc, which shares no code with the bridge but its writer."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.target = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.opened: list[OscBridge] = []

    def bundles(self) -> list[OscBundle]:
        found = []
        try:
            while True:
                found.append(OscBundle(self.socket.recv(65536)))
        except TimeoutError:
            return found

    def told(self) -> list[Told]:
        return [[(m.address, list(m.params)) for m in bundle] for bundle in self.bundles()]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    here = Receiver()
    yield here
    here.socket.close()
    for bridge in here.opened:
        bridge.close()


def bridge_for(receiver: Receiver, map_name: str, *events: Event) -> OscBridge:
    bridge = OscBridge(receiver.target, map_name)
    receiver.opened.append(bridge)
    bridge.open()
    for event in (made.started(), made.stream_started(), *events):
        bridge.take(event)
    return bridge


def named(bundle: Told) -> dict[str, list[object]]:
    return dict(bundle)


class TestPlain:
    def test_the_tree_is_told_with_the_types_it_promises(self, receiver: Receiver) -> None:
        """Floats, ints and one string; every bundle is for at once; 13 messages and the level."""
        bridge = bridge_for(receiver, "plain", *made.utterance(1, "happy", 1.0, 3.0))
        bridge.take(made.level(3.0))
        bridge.idle(0.0)
        bundles = receiver.bundles()
        assert {bundle.timestamp for bundle in bundles} == {IMMEDIATELY}
        utterance, state = ([(m.address, list(m.params)) for m in b] for b in bundles)
        ((address, values),) = utterance
        assert address == "/serlive/utterance"
        assert values == ["happy", pytest.approx(0.79), 0.5, -0.25, 1]
        tree = named(state)
        assert tree["/serlive/state/label"] == ["happy"]
        assert tree["/serlive/state/label_index"] == [2]
        assert tree["/serlive/state/speaking"] == [0]
        assert tree["/serlive/state/valence"] == [0.5]
        assert tree["/serlive/state/arousal"] == [-0.25]
        assert tree["/serlive/emotion/happy"] == [pytest.approx(0.79)]
        assert tree["/serlive/emotion/disgust"] == [pytest.approx(0.03)]
        assert tree["/serlive/level"] == [-20.0]
        assert 0.0 < float(str(tree["/serlive/state/certainty"][0])) <= 0.79
        assert len(tree) == 6 + 8 + 1
        types = {type(v) for values in tree.values() for v in values}
        assert types == {float, int, str}

    def test_nothing_is_told_twice_and_a_change_alone(self, receiver: Receiver) -> None:
        """A tick without a change sends nothing; with one of 0.01 or more, that message."""
        bridge = bridge_for(receiver, "plain", *made.utterance(1, "happy", 1.0, 3.0))
        bridge.idle(0.0)
        receiver.told()
        bridge.idle(0.1)
        assert receiver.told() == []
        bridge.take(made.speaking(3.0))  # at the very place, so that nothing faded
        bridge.idle(0.2)
        assert receiver.told() == [[("/serlive/state/speaking", [1])]]
        bridge.take(made.level(3.005))  # while somebody speaks nothing fades
        bridge.idle(0.3)
        assert receiver.told() == [[("/serlive/level", [-20.0])]]

    def test_what_is_undefined_is_not_told_as_a_number(self, receiver: Receiver) -> None:
        """Without valence the state has none; an utterance needs its arguments and says NaN."""
        unplaced = made.result(1, "happy", 1.0, 3.0, valence=None)
        bridge = bridge_for(receiver, "plain", unplaced)
        bridge.idle(0.0)
        utterance, state = receiver.told()
        assert [math.isnan(float(str(v))) for v in utterance[0][1][2:4]] == [True, True]
        assert "/serlive/state/valence" not in named(state)

    def test_an_utterance_that_was_not_judged_is_not_told(self, receiver: Receiver) -> None:
        """A rejected one sends nothing; an uncertain one has an empty name."""
        rejected = made.result(1, None, 1.0, 1.2, verdict=Verdict.TOO_SHORT)
        unsure = made.result(2, "sad", 2.0, 3.0, verdict=Verdict.UNCERTAIN)
        bridge_for(receiver, "plain", rejected, unsure)
        assert [told[0][1][0] for told in receiver.told()] == [""]

    def test_silence_is_forgotten(self, receiver: Receiver) -> None:
        """Long after the last speech the label is unknown again, its number -1."""
        bridge = bridge_for(receiver, "plain", *made.utterance(1, "happy", 1.0, 3.0))
        bridge.idle(0.0)
        bridge.take(made.level(60.0, -80.0))
        bridge.idle(0.1)
        last = named(receiver.told()[-1])
        assert last["/serlive/state/label"] == ["unknown"]
        assert last["/serlive/state/label_index"] == [-1]
        assert last["/serlive/state/certainty"] == [0.0]

    def test_a_label_of_ones_own_becomes_a_legal_address(self, receiver: Receiver) -> None:
        """Signs that OSC keeps for patterns are underscores; the label itself is told as it is."""
        labels = ("so so/*?", "naïve")
        told = made.result(1, "so so/*?", 1.0, 3.0, labels=labels, valence=None)
        bridge = bridge_for(receiver, "plain", made.started(labels), told)
        bridge.idle(0.0)
        tree = named(receiver.told()[-1])
        assert tree["/serlive/state/label"] == ["so so/*?"]
        assert {a for a in tree if "/emotion/" in a} == {
            "/serlive/emotion/so_so___",
            "/serlive/emotion/na_ve",
        }


class TestAvatars:
    def test_vrchat_gets_float_int_and_bool(self, receiver: Receiver) -> None:
        """Its four parameters, with types that it takes; 0 stands for unknown."""
        bridge = bridge_for(receiver, "vrchat", made.speaking(0.5))
        bridge.idle(0.0)
        assert named(receiver.told()[-1]) == {
            "/avatar/parameters/SerLiveLabel": [0],
            "/avatar/parameters/SerLiveSpeaking": [True],
        }
        bridge.take(made.result(1, "sad", 1.0, 3.0))
        bridge.take(made.speaking(3.0, is_speaking=False))
        bridge.idle(0.1)
        told = named(receiver.told()[-1])
        assert told["/avatar/parameters/SerLiveLabel"] == [4]
        assert told["/avatar/parameters/SerLiveSpeaking"] == [False]
        assert told["/avatar/parameters/SerLiveValence"] == [0.5]

    def test_vmc_gets_all_shapes_and_then_apply(self, receiver: Receiver) -> None:
        """One bundle: a name and a number for each shape, last of all Apply."""
        bridge = bridge_for(receiver, "vmc", made.result(1, "angry", 1.0, 3.0))
        bridge.idle(0.0)
        (bundle,) = receiver.told()
        *shapes, last = bundle
        assert last == ("/VMC/Ext/Blend/Apply", [])
        assert {address for address, _ in shapes} == {"/VMC/Ext/Blend/Val"}
        values = {str(name): float(str(value)) for _, (name, value) in shapes}
        assert list(values) == ["Neutral", "Joy", "Angry", "Sorrow", "Fun", "Surprised"]
        assert values["Angry"] > 0.5 > values["Joy"]
        weight = 0.79 * 1.5 * -math.expm1(-2.0 / 1.5)  # two seconds of speech, at this pace
        assert sum(values.values()) == pytest.approx(-math.expm1(-weight / 0.5), abs=1e-5)

    def test_a_face_returns_to_rest_in_silence(self, receiver: Receiver) -> None:
        """The strength of every shape fades, while probabilities would stay."""
        bridge = bridge_for(receiver, "vmc", *made.utterance(1, "angry", 1.0, 3.0))
        bridge.idle(0.0)
        bridge.take(made.level(20.0, -80.0))
        bridge.idle(0.1)
        first, later = ({str(v[0]): v[1] for _, v in told[:-1]} for told in receiver.told())
        assert float(str(later["Angry"])) < 0.4 * float(str(first["Angry"]))


def test_the_port_of_a_map_need_not_be_given() -> None:
    """Avatars listen where everybody expects them; the plain tree has no such place."""
    OscBridge("127.0.0.1", "vrchat").close()
    assert read_map("vrchat").port == 9000
    assert read_map("vmc").port == 39540
    with pytest.raises(UsageError, match="needs HOST:PORT"):
        OscBridge("127.0.0.1")


@pytest.mark.parametrize(
    "target", ["", "host", "host:", "host:0", "host:65536", "a b:1", "http://a:1", "::1:9", "[::1]"]
)
def test_a_target_that_is_none_is_one_sentence(target: str) -> None:
    """Whatever stands in place of HOST:PORT."""
    with pytest.raises(UsageError, match=r"^--osc found '.*', but needs HOST:PORT.*correct it\.$"):
        OscBridge(target)


def test_a_host_that_is_unknown_is_one_sentence() -> None:
    """The look-up fails before anything begins."""
    with pytest.raises(UsageError, match=r"cannot find the host of 'nowhere\.invalid:9'"):
        OscBridge("nowhere.invalid:9")


def test_what_cannot_be_sent_is_counted_and_said(receiver: Receiver) -> None:
    """The session goes on; in its course without a number, at its end with it."""
    bridge = bridge_for(receiver, "plain")
    assert bridge._socket is not None
    bridge._socket.close()  # as if the system refused
    bridge.take(made.result(1, "happy", 1.0, 3.0))
    assert bridge.failure is not None
    assert "some bundles" in bridge.failure
    bridge.close()
    assert "2 of 2 bundles" in bridge.failure


HOSTILE = {
    "not TOML": "[[message",
    "deep": "a = " + "[" * 50_000,
    "empty": "",
    "unknown key": "colour = 1",
    "unknown key of a message": '[[message]]\naddress="/a"\nvalue="level"\ncolor=1',
    "no table": 'message = "all"',
    "number as message": "message = [1]",
    "no address": '[[message]]\nvalue = "level"',
    "address of spaces": '[[message]]\naddress="/a b"\nvalue="level"',
    "address of a pattern": '[[message]]\naddress="/a*"\nvalue="level"',
    "address without slash": '[[message]]\naddress="a"\nvalue="level"',
    "address beyond ASCII": '[[message]]\naddress="/ä"\nvalue="level"',
    "address with NUL": '[[message]]\naddress="/a\\u0000b"\nvalue="level"',
    "long address": f'[[message]]\naddress="/{"a" * 500}"\nvalue="level"',
    "unknown value": '[[message]]\naddress="/a"\nvalue="mood"',
    "value as list": '[[message]]\naddress="/a"\nvalue=["level"]',
    "labels for a level": '[[message]]\naddress="/a"\nvalue="level"\nlabels=["sad"]',
    "probability of nothing": '[[message]]\naddress="/a"\nvalue="probability"',
    "labels as text": '[[message]]\naddress="/a"\nvalue="probability"\nlabels="sad"',
    "label as number": '[[message]]\naddress="/a"\nvalue="label"\ntype="int"',
    "number as text": '[[message]]\naddress="/a"\nvalue="level"\ntype="string"',
    "endless scale": '[[message]]\naddress="/a"\nvalue="level"\nscale=inf',
    "scale that is none": '[[message]]\naddress="/a"\nvalue="level"\nscale=nan',
    "true as scale": '[[message]]\naddress="/a"\nvalue="level"\nscale=true',
    "step below 0": "step = -1",
    "huge whole scale": f'[[message]]\naddress="/a"\nvalue="level"\nscale={"9" * 400}',
    "port 0": "port = 0",
    "port as text": 'port = "9000"',
    "port true": "port = true",
    "unknown send": 'send = "often"',
    "utterance without values": '[[utterance]]\naddress="/u"',
    "utterance of unknown values": '[[utterance]]\naddress="/u"\nvalues=["mood"]',
    "utterance of numbers": '[[utterance]]\naddress="/u"\nvalues=[1]',
    "a label in an end": '[[end]]\naddress="/{label}"',
    "only an end": '[[end]]\naddress="/a"',
    "too many": '[[message]]\naddress="/a"\nvalue="level"\n' * (MAX_MESSAGES + 1),
}


@pytest.mark.parametrize("why", HOSTILE)
def test_a_map_that_does_not_fit_is_one_sentence(why: str, tmp_path: Path) -> None:
    """It names the map, and nothing else escapes."""
    path = tmp_path / "odd.toml"
    path.write_text(HOSTILE[why], encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_map(str(path))
    sentence = str(caught.value)
    assert "the OSC map" in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 600


def test_a_map_that_is_no_small_file_is_one_sentence(tmp_path: Path) -> None:
    """A folder, nothing, a device that never ends, bytes, too much."""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\0")
    (tmp_path / "large").write_bytes(b"#" * (MAX_BYTES + 1))
    for name in (str(tmp_path), "none.toml", "/dev/zero", "a\0b"):
        with pytest.raises(UsageError, match="the OSC map"):
            read_map(name)
    for name in ("bytes", "large"):
        with pytest.raises(UsageError, match="the OSC map"):
            read_map(str(tmp_path / name))


def test_messages_for_each_label_must_fit_into_a_datagram(tmp_path: Path) -> None:
    """The count is of messages, not of tables."""
    path = tmp_path / "many.toml"
    one = '[[message]]\naddress="/a/{label}"\nvalue="probability"\n'
    path.write_text(one * 30)
    with pytest.raises(UsageError, match="240 messages for 8 labels"):
        read_map(str(path)).for_labels(made.LABELS)


def test_a_map_of_ones_own_scales_and_sums(receiver: Receiver, tmp_path: Path) -> None:
    """Valence from 0 to 1, two labels as one number, a bool, in front of it a text."""
    path = tmp_path / "own.toml"
    path.write_text(
        '[[message]]\naddress="/v"\nvalue="valence"\nscale=0.5\noffset=0.5\n'
        '[[message]]\naddress="/d"\nvalue="probability"\nlabels=["sad","fearful"]\ntext="down"\n'
        '[[message]]\naddress="/b"\nvalue="speaking"\ntype="bool"\n'
        '[[end]]\naddress="/done"\n'
    )
    bridge = bridge_for(receiver, str(path), made.result(1, "sad", 1.0, 3.0))
    bridge.idle(0.0)
    assert receiver.told() == [
        [
            ("/v", [0.75]),
            ("/d", ["down", pytest.approx(0.82)]),
            ("/b", [False]),
            ("/done", []),
        ]
    ]


def test_a_label_in_an_address_has_only_plain_signs() -> None:
    """Of every sign below 256, what is left is neither a pattern nor a path."""
    text = address_part("".join(map(chr, range(256))))
    assert len(text) == 256
    assert not set(text) & set(" #*,?[]{}/")
    assert text.isascii()
    assert text.isprintable()


def test_liblo_reads_the_same(receiver: Receiver) -> None:
    """A client written in C, with a parser of its own, prints each message and its types."""
    if why := missing_programs(["oscdump"]):
        pytest.skip(why)
    port = made.free_port(socket.SOCK_DGRAM)
    with subprocess.Popen(
        ["oscdump", "-L", str(port)], stdout=subprocess.PIPE, text=True
    ) as program:
        time.sleep(0.5)
        thread = BridgeThread(OscBridge(f"127.0.0.1:{port}"))
        thread.open()
        for event in (
            made.started(),
            made.stream_started(),
            *made.utterance(7, "surprised", 1.0, 3.0),
        ):
            thread.take(event)
        thread.close()
        time.sleep(0.3)
        program.terminate()
        assert program.stdout is not None
        lines = [line.split(" ", 1)[1] for line in program.stdout.read().splitlines()]
    assert '/serlive/utterance sfffi "surprised" 0.790000 0.500000 -0.250000 7' in lines
    assert '/serlive/state/label s "surprised"' in lines
    assert "/serlive/state/label_index i 7" in lines
    assert "/serlive/emotion/surprised f 0.790000" in lines
    assert thread.failure is None
