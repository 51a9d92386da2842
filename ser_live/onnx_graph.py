"""Running ONNX graphs on one thread, quietly."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ser_live.errors import ModelError

_OUTSIDE = b"location"
"""Key that a graph must use to name a file with some of its weights, anywhere on the disk."""


def silence_telemetry() -> None:
    """Keep onnxruntime from collecting usage data in this process and its children.

    Versions from 1.29 on do, and keep an identifier in the home folder; they are not among the
    dependencies, but one may be installed all the same. It sets an environment variable, so it
    is the program's to call, before anything imports onnxruntime.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def load_graph(graph: bytes | Path, what: str, instead: str) -> Any:
    """An onnxruntime session; onnxruntime is imported here.

    Parameters
    ----------
    graph : bytes or Path
        The graph, already checked, or the file it is in.
    what : str
        Name of the graph for messages: ``the learned encoder``.
    instead : str
        A way to do without it, for messages.

    Raises
    ------
    ModelError
        onnxruntime is missing, or cannot load this, or the graph names other files.
    """
    if isinstance(graph, bytes) and _OUTSIDE in graph:
        raise ModelError(
            f"{what} takes weights from other files, but it must hold them itself: {instead}."
        )
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            f"{what} needs onnxruntime, which cannot be imported: install it, or {instead}."
        ) from error
    # On Windows every version hands usage events to the system; only this call ends that. It
    # concerns onnxruntime alone, unlike `silence_telemetry`.
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # A thread that spins while it waits would cost a core in silence.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Inputs differ in length: an arena would keep the largest forever.
    options.enable_cpu_mem_arena = False
    # Messages about a graph that it cannot load would quote from that graph, names and all.
    options.log_severity_level = 4
    # From a path it reads without a second copy in memory.
    content = graph if isinstance(graph, bytes) else str(graph)
    try:
        # Without fallback: before it tries again, it prints what it found in the graph.
        return onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as error:  # onnxruntime's errors share no base class
        raise ModelError(
            f"{what} cannot be loaded by this onnxruntime: install ser-live again, or {instead}."
        ) from error
