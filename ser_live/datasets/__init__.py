"""Corpora of emotional speech: one record per recording, one module per corpus."""

from ser_live.datasets.recording import Recording, byte_identical

__all__ = ["Recording", "byte_identical"]
