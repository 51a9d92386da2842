"""The reasons for which audio goes missing, or a microphone does."""

from __future__ import annotations

from enum import Enum


class Cause(str, Enum):
    """Why audio never arrived."""

    OVERFLOW = "overflow"
    """The ring buffer was full: the reader fell behind."""
    DEVICE = "device"
    """The device itself reported a loss."""
    STALLED = "stalled"
    """The device fell silent without a word."""
    DISCONNECTED = "disconnected"
    """The device was gone."""
    SUSPENDED = "suspended"
    """The computer slept."""

    def __str__(self) -> str:
        return self.value
