"""The one signal that is heard of several channels, and what the channels tell.

A plain mean is right where every channel holds the same voice. It is silent where channels cancel,
and 30 dB low where one of 32 is in use. `Mixer` keeps to the mean, bit for bit, until the samples
say otherwise.
"""

from ser_live.mixing.bleed import Bleed
from ser_live.mixing.mixer import Finding, Mixer
from ser_live.mixing.sameness import Sameness

__all__ = ["Bleed", "Finding", "Mixer", "Sameness"]
