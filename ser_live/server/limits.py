"""Limits of the server, in one place."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ser_live.events import Record

PROTOCOL = "ser-live.v1"
"""Subprotocol of the WebSockets."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Sizes and times that no client goes beyond."""

    max_sessions: int = 32
    """Streams at the same time."""
    max_starting: int = 64
    """WebSockets that did not send their start yet at the same time."""
    max_listeners: int = 200
    """Readers of the server's own microphone at the same time."""
    max_message_bytes: int = 1 << 20
    """Longest message of a WebSocket."""
    max_upload_bytes: int = 200 << 20
    """Longest recording that is uploaded."""
    max_analyses: int = 4
    """Uploads that are analyzed or wait at the same time."""
    max_texts_per_s: int = 200
    """Text messages of a session in a second."""
    backlog_s: float = 30.0
    """Sound of a session that may wait."""
    idle_s: float = 60.0
    """Longest time of a session without sound or ping."""
    start_s: float = 10.0
    """Longest time to the first message of a session, and to the whole head of a request."""
    body_pause_s: float = 10.0
    """Longest pause within an upload."""
    body_s: float = 300.0
    """Longest time of an upload."""
    resume_s: float = 30.0
    """Time for which a session outlives its connection."""
    drain_s: float = 10.0
    """Longest time for sessions to be reported when the server ends."""
    n_outgoing: int = 256
    """Records that may wait for a reader."""
    outgoing_bytes: int = 1 << 20
    """Bytes that may wait for a reader."""
    n_kept: int = 1000
    """Records of a session that can be sent again."""
    n_threads: int = os.cpu_count() or 1
    """Threads that analyze, where processes do not."""
    n_processes: int = 0
    """Most processes that analyze; 0 where threads of this one do."""

    def for_clients(self) -> Record:
        """The part that clients go by."""
        return {
            "message_bytes": self.max_message_bytes,
            "backlog_s": self.backlog_s,
            "idle_s": self.idle_s,
            "sessions": self.max_sessions,
        }
