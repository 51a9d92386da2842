"""Counts of the server in Prometheus' text form; no emotion of anybody is among them."""

from __future__ import annotations

import sys
import threading
import time
from bisect import bisect_left
from collections import defaultdict, deque

from ser_live import __version__
from ser_live.events import EmotionResult, StreamGap

if sys.platform != "win32":
    import resource

LATENCY_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_HELP = {
    "serlive_build_info": ("gauge", "Version of the program."),
    "serlive_sessions": ("gauge", "Sessions that are open."),
    "serlive_sessions_total": ("counter", "Sessions that ended, by reason."),
    "serlive_audio_seconds_total": ("counter", "Sound that was taken, in seconds."),
    "serlive_results_total": ("counter", "Results, by kind and outcome."),
    "serlive_result_latency_seconds": ("histogram", "Time from knowing an utterance to its result"),
    "serlive_backlog_seconds": ("gauge", "Sound that waits, over all sessions."),
    "serlive_gap_seconds_total": ("counter", "Sound that never arrived, by cause."),
    "serlive_listeners": ("gauge", "Readers of the server's own microphone."),
    "serlive_listener_records_skipped_total": ("counter", "Records that slow readers missed."),
    "serlive_rejected_requests_total": ("counter", "Refusals, by code."),
    "serlive_loop_lag_seconds": ("gauge", "Lateness of the event loop, by quantile."),
    "process_cpu_seconds_total": ("counter", "Processor time of the server."),
    "process_max_resident_memory_bytes": ("gauge", "Most memory that the server had."),
    "process_start_time_seconds": ("gauge", "Wall time of the start."),
}


class Metrics:
    """Counts by name and labels; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, dict[str, float]] = defaultdict(dict)
        self._latencies: dict[str, list[int]] = {}
        self._latency_sums: dict[str, float] = defaultdict(float)
        self.loop_lags_s: deque[float] = deque(maxlen=2000)
        self._values["serlive_build_info"][f'version="{__version__}"'] = 1.0
        self._values["process_start_time_seconds"][""] = time.time()

    def add(self, name: str, value: float = 1.0, **labels: str) -> None:
        """Count up."""
        key = _key(labels)
        with self._lock:
            self._values[name][key] = self._values[name].get(key, 0.0) + value

    def put(self, name: str, value: float, **labels: str) -> None:
        """Note a present value."""
        with self._lock:
            self._values[name][_key(labels)] = value

    def see_latency(self, kind: str, latency_s: float) -> None:
        """Count a result's latency."""
        with self._lock:
            counts = self._latencies.setdefault(kind, [0] * (len(LATENCY_BOUNDS_S) + 1))
            counts[bisect_left(LATENCY_BOUNDS_S, latency_s)] += 1
            self._latency_sums[kind] += latency_s

    def count(self, event: object) -> None:
        """Count what a session reports, by its outcome and never by its emotion."""
        if isinstance(event, EmotionResult):
            self.add("serlive_results_total", kind=event.kind, state=event.state)
            self.see_latency(event.kind, event.latency_ms / 1000.0)
        elif isinstance(event, StreamGap):
            self.add("serlive_gap_seconds_total", event.duration_s, cause=event.cause)

    def text(self) -> str:
        """Everything in Prometheus' text form, version 0.0.4."""
        self.put("process_cpu_seconds_total", time.process_time())
        if sys.platform != "win32":
            unit = 1 if sys.platform == "darwin" else 1024
            usage = resource.getrusage(resource.RUSAGE_SELF)
            self.put("process_max_resident_memory_bytes", float(usage.ru_maxrss * unit))
        for quantile in (0.5, 0.99):
            lags = sorted(self.loop_lags_s)
            lag_s = lags[min(len(lags) - 1, int(quantile * len(lags)))] if lags else 0.0
            self.put("serlive_loop_lag_seconds", lag_s, quantile=str(quantile))
        lines = []
        with self._lock:
            for name, (kind, text) in _HELP.items():
                lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
                for labels, value in sorted(self._values.get(name, {}).items()):
                    lines.append(f"{name}{'{' + labels + '}' if labels else ''} {value:.9g}")
                if kind == "histogram":
                    lines += self._histogram(name)
        return "\n".join([*lines, ""])

    def _histogram(self, name: str) -> list[str]:
        lines = []
        for kind, counts in sorted(self._latencies.items()):
            n = 0
            for bound, count in zip([*map(str, LATENCY_BOUNDS_S), "+Inf"], counts, strict=True):
                n += count
                lines.append(f'{name}_bucket{{kind="{kind}",le="{bound}"}} {n}')
            lines.append(f'{name}_sum{{kind="{kind}"}} {self._latency_sums[kind]:.9g}')
            lines.append(f'{name}_count{{kind="{kind}"}} {n}')
        return lines


def _key(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
