"""Objects between the server and the processes that it started itself."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

_HEAD_BYTES = 4


def pack(content: object) -> bytes:
    """Make the bytes of one parcel: its length, then its content."""
    body = pickle.dumps(content, protocol=5)
    return len(body).to_bytes(_HEAD_BYTES, "big") + body


class Parcels:
    """Parcels out of bytes that come in pieces."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def take(self, data: bytes) -> Iterator[object]:
        """Add bytes and give the parcels that are whole."""
        self._rest += data
        start = 0
        while True:
            body = start + _HEAD_BYTES
            end = body + int.from_bytes(self._rest[start:body], "big")
            if len(self._rest) < body or len(self._rest) < end:
                break
            # Only a process that was started here, by a pair of sockets without a name, writes it.
            yield pickle.loads(memoryview(self._rest)[body:end])  # noqa: S301
            start = end
        del self._rest[:start]
