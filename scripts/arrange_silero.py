# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=1.26", "onnx>=1.17", "onnxruntime>=1.20"]
# ///
"""Arrange Silero's speech network as products of matrices: the same in a third of the time.

The graph of the Python package silero-vad, as published, convolves each window of 576 samples by
itself, and each is only four spectra long: convolutions over so little cost more than their sums.
The same sums are products of matrices over the windows of all frames together. Every weight is
that of the published graph; probabilities differ by the rounding of 32-bit sums, 3e-6 at most.

    pip download --no-deps silero-vad==6.2.3
    python scripts/arrange_silero.py silero_vad_16k_sequence.onnx \
        --out models/silero-vad/silero_vad_16k_products.onnx --golden tests/golden/silero.json

``--golden`` writes what the published graph says of the demo, which a test compares.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SHA256 = "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"
OPSET = 16
N_SPECTRA = 4
"""Spectra of a window, each of `PIECE_SAMPLES`."""
PIECE_SAMPLES = 256
N_BINS = 129
WIDTH = 128
"""Of the recurrent state."""
N_GOLDEN = 100
"""Frames of the demo that are compared, from its second second on."""

Array = NDArray[Any]


def main() -> None:
    """Read the arguments, write the graph."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("published", type=Path, help="silero_vad_16k_sequence.onnx")
    parser.add_argument("--out", required=True, type=Path, help="the .onnx file to write")
    parser.add_argument("--golden", type=Path, help="the .json file to write")
    args = parser.parse_args()
    content = args.published.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        sys.exit(f"the graph has SHA-256 {found}, but {SHA256} is needed: fetch it again.")
    published = onnx.load_from_string(content)
    onnx.save(
        build({i.name: numpy_helper.to_array(i) for i in published.graph.initializer}), args.out
    )
    written = args.out.read_bytes()
    print(f"{args.out}: {len(written)} bytes, SHA-256 {hashlib.sha256(written).hexdigest()}")
    if args.golden:
        probabilities = [round(float(p), 7) for p in heard_as_published(content)]
        args.golden.write_text(json.dumps(probabilities, indent=1) + "\n")


class _Graph:
    """Nodes and constants of a graph in the making."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: Array) -> str:
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def integers(self, name: str, *values: int) -> str:
        return self.constant(name, np.array(values, np.int64))

    def add(self, op: str, *inputs: str, name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def cut(self, x: str, axis: int, begin: int, end: int, name: str) -> str:
        places = [
            self.integers(f"{name}/{part}", value)
            for part, value in (("begin", begin), ("end", end), ("axis", axis))
        ]
        return self.add("Slice", x, *places, name=name)


class _Convolution:
    """A convolution over three neighbours, rectified, as products.

    Parameters
    ----------
    g : _Graph
    name : str
    kernel : ndarray, shape (n_out, n_in, 3)
    bias : ndarray, shape (n_out,)
    """

    def __init__(self, g: _Graph, name: str, kernel: Array, bias: Array) -> None:
        self._g, self._name, self._n_in = g, name, kernel.shape[1]
        weight = kernel.transpose(2, 1, 0).reshape(-1, kernel.shape[0])
        self._weight = g.constant(f"{name}.weight", weight)
        self._bias = g.constant(f"{name}.bias", bias)

    def at(self, place: int, neighbours: str, taps: range) -> str:
        """Output at a place, from those neighbours of it that the taps meet.

        A tap that falls outside the window meets zeros there, so it is left out. onnxruntime
        cuts the weight once, when it loads the graph.
        """
        name = f"{self._name}/{place}"
        begin, end = self._n_in * taps.start, self._n_in * taps.stop
        weight = self._g.cut(self._weight, 0, begin, end, f"{name}/weight")
        summed = self._g.add("Gemm", neighbours, weight, self._bias, name=f"{name}/sum")
        return self._g.add("Relu", summed, name=name)


def build(arrays: dict[str, Array]) -> onnx.ModelProto:
    """The network as a graph.

    Input ``pieces`` float32 (4 n, 256): for each of n frames the four pieces of its window, as
    ``silero.pieces_of`` cuts them; ``h`` and ``c`` (1, 1, 128): the state. Outputs ``speech_probs``
    (n), ``hn``, ``cn``.
    """
    g = _Graph()
    basis = arrays["stft.forward_basis_buffer"][:, 0, :]
    power = []
    for part, rows in (("real", basis[:N_BINS]), ("imaginary", basis[N_BINS:])):
        found = g.add("MatMul", "pieces", g.constant(f"{part}/basis", rows.T), name=part)
        power.append(g.add("Mul", found, found, name=f"{part}/square"))
    magnitude = g.add("Sqrt", g.add("Add", *power, name="power"), name="magnitude")
    spectra = g.add(
        "Reshape", magnitude, g.integers("window", -1, N_SPECTRA * N_BINS), name="spectra"
    )
    layers = [
        _Convolution(g, name, arrays[f"{name}.weight"], arrays[f"{name}.bias"])
        for name in (f"encoder.{index}" for index in range(4))
    ]
    first = []
    for at in range(N_SPECTRA):
        begin, end = max(0, at - 1), min(N_SPECTRA, at + 2)
        near = g.cut(spectra, 1, begin * N_BINS, end * N_BINS, f"spectra/{at}")
        first.append(layers[0].at(at, near, range(begin - at + 1, end - at + 1)))
    # Two layers go from every second place to the next: four become two, and these one.
    left = g.add("Concat", *first[:2], name="first/left", axis=1)
    right = g.add("Concat", *first[1:], name="first/right", axis=1)
    second = [layers[1].at(0, left, range(1, 3)), layers[1].at(1, right, range(3))]
    both = g.add("Concat", *second, name="second", axis=1)
    only = layers[3].at(0, layers[2].at(0, both, range(1, 3)), range(1, 2))
    recurrent = [
        g.constant(name, arrays[f"onnx::LSTM_{number}"])
        for name, number in (("input_weight", 209), ("state_weight", 210), ("state_bias", 211))
    ]
    steps = g.add("Unsqueeze", only, g.integers("batch", 1), name="steps")
    g.nodes.append(
        helper.make_node(
            "LSTM",
            [steps, *recurrent, "", "h", "c"],
            ["states", "hn", "cn"],
            name="recurrent",
            hidden_size=WIDTH,
        )
    )
    states = g.add(
        "Reshape",
        g.add("Relu", "states", name="rectified"),
        g.integers("row", -1, WIDTH),
        name="rows",
    )
    logits = g.add(
        "Gemm",
        states,
        g.constant("output.weight", arrays["output.weight"][0]),
        g.constant("output.bias", arrays["output.bias"]),
        name="logits",
    )
    likely = g.add("Sigmoid", logits, name="likely")
    g.add("Reshape", likely, g.integers("flat", -1), name="speech_probs")
    return model_of(g)


def model_of(g: _Graph) -> onnx.ModelProto:
    """Graph with its inputs and outputs, checked."""

    def value(name: str, *shape: int | str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    state = (1, 1, WIDTH)
    graph = helper.make_graph(
        g.nodes,
        "silero_vad_16k",
        [value("pieces", "n_pieces", PIECE_SAMPLES), value("h", *state), value("c", *state)],
        [value("speech_probs", "n"), value("hn", *state), value("cn", *state)],
        g.constants,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
        producer_name="ser-live",
        doc_string="Silero VAD 6.2.3, 16 kHz, as products of matrices; MIT licence.",
    )
    onnx.checker.check_model(model)
    return model


def heard_as_published(content: bytes) -> Array:
    """Probabilities of the published graph for the first frames of the demo's speech."""
    import onnxruntime

    from ser_live.config import FRAME_SAMPLES, SAMPLE_RATE_HZ
    from ser_live.sources import read_recording
    from ser_live.speech.silero import WINDOW_SAMPLES

    demo = read_recording(Path(__file__).parents[1] / "ser_live" / "demo.ogg")[SAMPLE_RATE_HZ:]
    context = np.zeros(WINDOW_SAMPLES - FRAME_SAMPLES, np.float32)
    heard = np.concatenate((context, demo[: N_GOLDEN * FRAME_SAMPLES]))
    windows = np.lib.stride_tricks.sliding_window_view(heard, WINDOW_SAMPLES)[::FRAME_SAMPLES]
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    state = np.zeros((1, 1, WIDTH), np.float32)
    found: Array = session.run(None, {"input": windows.copy(), "h": state, "c": state})[0]
    return found


if __name__ == "__main__":
    main()
