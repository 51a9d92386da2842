"""Length of what a decoder of media files could not decode, counted packet by packet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ser_live.sources import flac_frames

if TYPE_CHECKING:
    import av


class PacketLosses:
    """Counts what is lost since the last frame that was heard.

    Parameters
    ----------
    codec : str
        Name that FFmpeg gives it.
    """

    def __init__(self, codec: str) -> None:
        self.n_errors = 0
        self.bad_s = 0.0
        """Length of what could not be decoded since the last frame."""
        # Each packet is decoded at once, so that fewer samples are damage.
        self._is_prompt = codec == "alac"
        self._is_flac = codec == "flac"
        self._short_s = 0.0
        """Length that is missing from the last packet."""
        self._usual_s = 0.0
        """Length of the last frame; a packet that cannot be decoded may say anything."""

    def add(self, lost_s: float) -> None:
        """Note so much that could not be decoded."""
        self.n_errors += 1
        self.bad_s += lost_s

    def add_packet(self, packet: Any) -> None:
        """Note a packet that could not be decoded; an empty one holds nothing."""
        if not packet.size:
            return
        length_s = 0.0
        if packet.duration and packet.time_base is not None:
            length_s = float(packet.duration * packet.time_base)
        if self._is_flac:
            # A parser hands frames behind a broken one out together with it.
            rate = packet.stream.codec_context.sample_rate
            length_s = max(length_s, self._usual_s, flac_frames.n_samples_in(bytes(packet)) / rate)
        self.add(length_s)

    def note_decoded(self, packet: Any, frames: list[av.AudioFrame]) -> None:
        """Note what is missing from a packet that was decoded, though nothing complained.

        In the last one that is no damage.
        """
        if self._short_s:
            self.add(self._short_s)
        self._short_s = 0.0
        heard_s = sum(frame.samples / frame.sample_rate for frame in frames)
        if self._is_prompt and packet.duration and packet.time_base is not None:
            self._short_s = max(0.0, float(packet.duration * packet.time_base) - heard_s)
        if self._is_flac and frames:
            self._usual_s = frames[-1].samples / frames[-1].sample_rate
            if len(frames) > 1:  # of several frames those before a damaged one are given
                n_there = flac_frames.n_samples_in(bytes(packet))
                lost_s = n_there / frames[0].sample_rate - heard_s
                if lost_s > 0:
                    self.add(lost_s)
