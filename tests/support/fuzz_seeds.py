"""Makes the inputs that fuzzing begins with: ``python tests/support/fuzz_seeds.py`` writes them.

Every file is made by this program and its libraries; nothing of anybody's is in them.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from fuzz_targets import WEIGHTS_FOLLOW
from fuzzing import CORPUS
from hostile_audio import media, tone
from simulated_session import MICROPHONE, result

from ser_live.config import Settings
from ser_live.emotions import LABELS, Emotion
from ser_live.events import (
    Cause,
    DeviceFound,
    DeviceLost,
    Drop,
    EndReason,
    Event,
    Kind,
    Mark,
    Notice,
    Record,
    SessionEnded,
    SessionStarted,
    SourceFailed,
    StateChanged,
    StreamEnded,
    StreamGap,
    StreamId,
    StreamStarted,
    StreamState,
    Verdict,
)
from ser_live.features import FEATURE_NAMES, FEATURE_SET_VERSION
from ser_live.model.card import CARD_FORMAT
from ser_live.records.log_entries import LogContinued, LogGap, LogHeader
from ser_live.speaker.memory import SpeakerMemory

_SOUNDS = (
    ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_U8"), ("WAV", "FLOAT"), ("WAV", "IMA_ADPCM"),
    ("WAV", "MS_ADPCM"), ("WAV", "ULAW"), ("WAV", "GSM610"), ("RF64", "PCM_16"), ("W64", "PCM_16"),
    ("AIFF", "PCM_16"), ("AU", "ALAW"), ("CAF", "PCM_16"), ("CAF", "ALAC_16"), ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("VOC", "PCM_U8"),
    ("PAF", "PCM_16"), ("SVX", "PCM_16"), ("NIST", "PCM_16"), ("HTK", "PCM_16"), ("MAT5", "DOUBLE"),
    ("MAT4", "FLOAT"), ("PVF", "PCM_16"), ("XI", "DPCM_16"), ("SDS", "PCM_16"), ("AVR", "PCM_16"),
    ("WVE", "ALAW"), ("MPC2K", "PCM_16"), ("IRCAM", "PCM_16"),
)  # fmt: skip


def audio() -> dict[str, bytes]:
    """A twentieth of a second in every form that is read."""
    found = {}
    for kind, subtype in _SOUNDS:
        rate, channels = (48_000, 1) if subtype == "OPUS" else (8_000, 1 if kind == "WVE" else 2)
        n_channels = 1 if kind in ("WVE", "SVX", "XI", "SDS", "HTK") else channels
        n_channels = 1 if subtype in ("GSM610", "MS_ADPCM") else n_channels
        stream = io.BytesIO()
        samples = tone(rate, 0.05, n_channels)
        soundfile.write(stream, samples, rate, format=kind, subtype=subtype)
        found[f"{kind}_{subtype}".lower()] = stream.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("m4a", "mkv", "webm"):
            path = media(Path(folder) / f"a.{suffix}", rate=48_000, duration_s=0.05)
            found[suffix] = path.read_bytes()
        path = media(Path(folder) / "picture.mp4", rate=None, video=True, duration_s=0.05)
        found["picture_mp4"] = path.read_bytes()
        for suffix, codec in (
            ("aac", "aac"), ("avi", "pcm_s16le"), ("flv", "aac"), ("asf", "ac3"), ("mov", "alac"),
        ):  # fmt: skip
            path = media(Path(folder) / f"b.{suffix}", rate=44_100, duration_s=0.05, codec=codec)
            found[f"{suffix}_{codec}"] = path.read_bytes()
    return found


def pcm() -> dict[str, bytes]:
    """Pipes of several formats."""
    sound = (tone(16_000, 0.2)[:, 0] * 20_000).astype("<i2").tobytes()
    return {
        "mono": b"16000 1 0 100 7 333\n" + sound,
        "stereo_second": b"48000 2 2 1 1 1\n" + sound,
        "sixty_four": b"8000 64 64 4096\n" + sound,
        "silence": b"192000 1 0\n" + bytes(4000),
        "wav": b"16000 1 0\nRIFF" + bytes(40),
        "empty": b"16000 1 0\n",
        "too_slow": b"100 1 0\n" + sound[:100],
        "no_channels": b"16000 0 0\n" + sound[:100],
    }


def ravdess() -> dict[str, bytes]:
    """Names that are legal, and names that are nearly."""
    names = (
        "03-01-06-01-02-01-12.wav", "02-01-06-01-02-01-12.mp4", "03-02-05-02-01-01-24.flac",
        "03-01-01-02-01-01-01.wav", "03-02-08-01-01-01-01.wav", "03-01-09-01-01-01-01.wav",
        "03-01-01-01-01-01-25.wav", "Actor_01/03-01-02-01-01-01-01.wav", "../03-01-02-01-01-01-01",
        "03-01-02-01-01-01-01 copy.wav", "\u0660\u0663-01-01-01-01-01-01.wav", "a\0b.wav",
        "\x1b[31m.wav", "CON.wav", "C:\\03-01-02-01-01-01-01.wav", ".wav", "..", "", "\udcff.wav",
    )  # fmt: skip
    return {f"name_{k:02d}": n.encode("utf-8", "surrogateescape") for k, n in enumerate(names)}


def log() -> dict[str, bytes]:
    """Logs of two channels and a microphone, of older programs, and one that breaks off."""
    head = LogHeader().as_record()
    agent, customer = (
        StreamId(number=k + 1, source="talk.wav", channel=k, role=role, file="talk.wav")
        for k, role in enumerate(("agent", "customer"))
    )
    mic = replace(MICROPHONE, number=3)
    at = "2026-03-14T15:09:26+01:00"
    events: list[Event] = [
        SessionStarted(started_at=at, version="0.1", model="ear", model_sha256="ab" * 32,
                       settings={"segmenter": asdict(Settings().segmenter)}, speaker="anna"),
        StreamStarted(stream=agent, sample_rate=48_000, n_channels=2, started_at=at),
        StreamStarted(stream=customer, sample_rate=48_000, n_channels=2),
        StateChanged(stream=agent, sample=0, state=StreamState.NO_SPEECH),
        result(1, Kind.PARTIAL, 1.0, 2.0, Emotion.HAPPY, 0.6, stream=agent),
        result(1, Kind.FINAL, 1.0, 3.0, Emotion.HAPPY, 0.8, stream=customer),
        result(2, Kind.FINAL, 4.0, 4.2, None, 0.0, Verdict.TOO_SHORT, stream=agent),
        StreamGap(stream=agent, start_sample=90_000, n_samples=640, cause=Cause.OVERFLOW),
        Drop(stream=agent, id=3, kind=Kind.FINAL, start_sample=95_000, end_sample=99_000),
        Mark(stream=agent, sample=96_000, label="complaint"),
        SourceFailed(message="cut.wav ends after 1.00 s", file="cut.wav"),
        StreamEnded(stream=customer, n_samples=160_000, n_utterances=2),
        StreamEnded(stream=agent, n_samples=160_000, n_utterances=2),
        Notice(sink="audio", message="the audio is too slow: 3 events are missing in it."),
        StreamStarted(stream=mic, sample_rate=48_000, n_channels=1),
        DeviceLost(stream=mic, sample=16_000, device="mic", cause=Cause.STALLED, message="Gone."),
        DeviceFound(stream=mic, sample=32_000, device="mic", sample_rate=44_100, n_channels=2,
                    lost_device="mic"),
        SessionEnded(reason=EndReason.END, duration_s=10.0, n_utterances=2, n_dropped=1, n_gaps=1,
                     emotions={Emotion.HAPPY: 1}, states={Verdict.OK: 1}, latency_ms_p50=19.0,
                     latency_ms_p95=36.0),
    ]  # fmt: skip
    records = [head, *(event.as_record() for event in events), LogGap(n_events=2).as_record(),
               {"type": "of_a_later_program", "x": [1]}]  # fmt: skip
    whole = _json_lines(records)
    # Before streams had numbers; before affect, adaptation and enrolment.
    unnumbered = [_without(r, "stream", "channel", "role", "started_at") for r in records[:7]]
    unnumbered[1] = records[1]
    oldest = [_without(r, "valence", "arousal", "n_past", "speaker") for r in unnumbered]
    moved = LogContinued(path="/media/stick/log.jsonl", cause="no space left").as_record()
    return {
        "continued": _json_lines([head, moved, *records[1:4]]),
        "two_streams": whole,
        "unnumbered": _json_lines(unnumbered),
        "older": _json_lines(oldest),
        "cut_off": whole[:-30],
        "head": whole[:65],
        "none": b"",
    }


def _json_lines(records: list[Record]) -> bytes:
    return b"".join(json.dumps(r, separators=(",", ":")).encode() + b"\n" for r in records)


def _without(record: Record, *names: str) -> Record:
    return {name: value for name, value in record.items() if name not in names}


def _array_line(name: str, shape: str, unit: bytes, times: str, dtype: str = "<f8") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    return f"{name}|{header}|{unit.hex()}|{times}".encode()


def _number(value: float) -> bytes:
    return np.float64(value).tobytes()


def _model_card(**more: Any) -> bytes:
    card = {
        "format": CARD_FORMAT, "id": "m", "kind": "test", "licence": "none",
        "features": {"version": FEATURE_SET_VERSION, "names": "@names"}, "labels": list(LABELS),
        "weights": {"sha256": "@sha256"}, "uncertain": {"below": 0.4}, **more,
    }  # fmt: skip
    return json.dumps(card, separators=(",", ":")).encode()


def _classifier(prefix: str) -> list[bytes]:
    """Arrays of a classifier with both kinds of head, on three features."""
    one = _number(1.0)
    lines = [
        _array_line(f"{prefix}.{name}", "(@n,)", _number(value), "@n")
        for name, value in (("impute", 0.0), ("mean", 0.0), ("scale", 1.0))
    ]
    lines += [
        _array_line(f"{prefix}.limit", "()", _number(4.0), "1"),
        _array_line(f"{prefix}.temperature", "()", one, "1"),
        _array_line(f"{prefix}.head_weights", "(2,)", _number(0.3), "2"),
        _array_line(
            f"{prefix}.used", "(3,)", np.array([0, 4, 9], "<i8").tobytes(), "1", dtype="<i8"
        ),
        _array_line(f"{prefix}.projection", "(3, 2)", np.float32(0.5).tobytes(), "6", dtype="<f4"),
        _array_line(f"{prefix}.0_linear.coef", "(2, 16)", _number(0.1), "32"),
        _array_line(f"{prefix}.0_linear.intercept", "(16,)", _number(0.1), "16"),
        _array_line(f"{prefix}.1_rbf.support", "(4, 2)", _number(0.3), "8"),
        _array_line(f"{prefix}.1_rbf.dual", "(4, 8)", _number(0.3), "32"),
        _array_line(f"{prefix}.1_rbf.intercept", "(8,)", _number(0.3), "8"),
        _array_line(f"{prefix}.1_rbf.gamma", "()", _number(0.01), "1"),
    ]
    return lines


def model() -> dict[str, bytes]:
    """Folders that load: with and without adaptation; and plain and packed archives."""
    cold = [
        _array_line("cold.weights", "(1,)", _number(1.0), "1"),
        _array_line("cold.temperature", "()", _number(1.0), "1"),
        *_classifier("cold.0"),
    ]
    warm = [line.replace(b"cold.", b"warm.", 1) for line in cold]
    shift = [
        _array_line("shift.mean", "(@n,)", _number(0.1), "@n"),
        _array_line("shift.label_means", "(8, @n)", np.float32(0.1).tobytes(), str(
            8 * len(FEATURE_NAMES)), dtype="<f4"),
        *(_array_line(f"shift.{n}", "()", _number(1.0), "1")
          for n in ("correction", "kappa", "half_weight")),
    ]  # fmt: skip
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo("a.npy", date_time=(1980, 1, 1, 0, 0, 0))
        archive.writestr(info, b"\x93NUMPY\x01\x00" + bytes(200))
    encoder = _model_card(encoder={"sha256": "00"})
    return {
        "plain": _model_card() + WEIGHTS_FOLLOW + b"\n".join(cold),
        "adapts": _model_card() + WEIGHTS_FOLLOW + b"\n".join([*cold, *warm, *shift]),
        "packed": _model_card() + WEIGHTS_FOLLOW + packed.getvalue(),
        "with_encoder": encoder + WEIGHTS_FOLLOW + b"\n".join(cold),
    }


def encoder() -> dict[str, bytes]:
    """Small graphs of the encoder's form: the mean of each frame, 512 times over."""
    import onnx
    from onnx import TensorProto, helper

    def graph(outputs: list[str], width: int = 512) -> bytes:
        nodes = [
            helper.make_node("ReduceMean", ["log_mel"], ["mean"], axes=[1], keepdims=1),
            helper.make_node("Shape", ["mean"], ["shape"]),
            helper.make_node("Mul", ["shape", "wide"], ["wanted"]),
            *(helper.make_node("Expand", ["mean", "wanted"], [name]) for name in outputs),
        ]
        wide = helper.make_tensor("wide", TensorProto.INT64, [2], [1, width])
        inputs = [helper.make_tensor_value_info("log_mel", TensorProto.FLOAT, ["n", 80])]
        found = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs]
        made = helper.make_model(
            helper.make_graph(nodes, "g", inputs, found, [wide]),
            opset_imports=[helper.make_opsetid("", 13)],
            ir_version=8,
        )
        return made.SerializeToString()

    outside = onnx.load_from_string(graph(["layer_0", "layer_2"]))
    tensor = outside.graph.initializer[0]
    tensor.ClearField("int64_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "/dev/zero"), ("length", "16")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return {
        "two_layers": graph(["layer_0", "layer_2"]),
        "one_layer": graph(["layer_0"]),
        "no_number": graph(["layer_x", "layer_2"]),
        "narrow": graph(["layer_0", "layer_2"], 100),
        "other_names": graph(["a", "b"]),
        "file_outside": outside.SerializeToString(),
    }


def profile() -> dict[str, bytes]:
    """Profiles that fit the model of the target."""
    from synthetic_model import adapting_model

    synthetic = adapting_model()
    memory = SpeakerMemory(synthetic)
    x = np.random.default_rng(1).standard_normal(len(FEATURE_NAMES))
    for _ in range(3):
        memory.learn(x, np.full(8, 0.125))
    card = {
        "format": 1, "name": "anna", "made_at": "2026-03-14T15:09:26+01:00", "model": "synthetic",
        "model_sha256": synthetic.card.weights_sha256, "feature_set": FEATURE_SET_VERSION,
        "n_utterances": 3, "speech_s": 9.0, "level_dbfs": -24.0, "snr_db": 30.0,
        "arrays_sha256": "@sha256",
    }  # fmt: skip
    lines = []
    for name, array in memory.to_arrays().items():
        if array.shape == (len(FEATURE_NAMES),):
            lines.append(_array_line(name, "(@n,)", _number(0.5), "@n"))
        else:
            shape, kind = str(array.shape), array.dtype.str
            lines.append(_array_line(name, shape, array.tobytes(), "1", dtype=kind))
    text = json.dumps(card, separators=(",", ":")).encode()
    return {
        "anna": text + WEIGHTS_FOLLOW + b"\n".join(lines),
        "without_shift": text
        + WEIGHTS_FOLLOW
        + b"\n".join(line for line in lines if not line.startswith(b"shift")),
    }


def settings() -> dict[str, bytes]:
    """Every option alone with its default, several together, and mistakes."""
    from ser_live.cli.options import SETTING_GROUPS, describe_settings

    found = {}
    everything: list[str] = []
    for group, cls in SETTING_GROUPS.items():
        words: list[str] = []
        for name, _, default in describe_settings(cls):
            value = 0.3 if default is None else default
            words += [f"--{group}-{name.replace('_', '-')}", str(value)]
        found[group] = "\n".join(words).encode()
        everything += words
    found["all"] = "\n".join(everything).encode()
    found["unknown"] = b"--vad-nonsense\n3"
    found["no_value"] = b"--segmenter-window-s"
    found["not_a_number"] = b"--reject-min-snr-db\nloud"
    found["help"] = b"--help-settings"
    return found


def table() -> dict[str, bytes]:
    """Tables with every separator, with a mark at their beginning, and with mistakes."""
    lines = ("file,label,speaker", "1.wav,bored,anna", "2.wav,stressed,ben", "absent.wav,bored,ben")
    good = "\n".join(lines)
    return {
        "comma": good.encode(),
        "semicolon": b"\xef\xbb\xbf" + good.replace(",", ";").replace("\n", "\r\n").encode(),
        "tab": good.replace(",", "\t").encode(),
        "quoted": b'"file","label"\n"1.wav","so ""bored"""\n2.wav,\xf0\x9f\x98\x80\n',
        "no_columns": b"a,b\n1.wav,bored\n",
        "leads_out": b"file,label\n../1.wav,bored\n",
    }


KINDS = (audio, pcm, ravdess, table, log, model, encoder, profile, settings)


def main() -> None:
    """Write what is missing; what is there stays, for other inputs grew from it."""
    for kind in KINDS:
        folder = CORPUS / kind.__name__
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in kind().items():
            if not (folder / name).exists():
                (folder / name).write_bytes(content)
                print(f"{kind.__name__}/{name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
