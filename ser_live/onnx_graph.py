"""Running ONNX graphs on one thread, quietly."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ser_live.errors import ModelError

_OUTSIDE = b"location"
"""Key that a graph must use to name a file with some of its weights, anywhere on the disk."""


def load_graph(graph: bytes | Path, what: str, instead: str) -> Any:
    """An onnxruntime session; onnxruntime is imported here.

    Parameters
    ----------
    graph : bytes or Path
        The graph, checked before, or the file it is in.
    what : str
        What the graph is, for messages: ``the learned encoder``.
    instead : str
        How to do without it.

    Raises
    ------
    ModelError
        onnxruntime is missing, or cannot load this, or the graph names other files.
    """
    if isinstance(graph, bytes) and _OUTSIDE in graph:
        raise ModelError(
            f"{what} takes weights from other files, but it must hold them itself: {instead}."
        )
    # Versions from 1.29 on collect usage data and keep an identifier in the home folder.
    # They are not among the dependencies; should one be there all the same, it stays silent.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            f"{what} needs onnxruntime, which cannot be imported: install it, or {instead}."
        ) from error
    # On Windows every version hands usage events to the system; only this call ends that.
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # A thread that spins while it waits would cost a core in silence.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Inputs differ in length: an arena would keep the largest for ever.
    options.enable_cpu_mem_arena = False
    # What it prints of a graph it cannot load would come from that graph, names and all.
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
