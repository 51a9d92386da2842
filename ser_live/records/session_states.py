"""States of sessions whose logs do not tell why they ended."""

from __future__ import annotations

RUNNING = "running"
CUT_OFF = "cut off"
UNREADABLE = "unreadable"
