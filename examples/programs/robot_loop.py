"""A robot's main loop, ten times a second: it turns to who speaks, and keeps away from anger.

`python robot_loop.py` hears the microphone, `python robot_loop.py talk.wav` a recording. In the
place of `print` stands what drives the robot; docs/bridges.md has the messages of ROS.
"""

import sys
import time

from ser_live import AffectState, EmotionState, Level, StreamEnded, listen
from ser_live.events.record import OfStream

PERIOD_S = 0.1


def act(state: AffectState) -> str:
    """Give what to do. Where it is not sure, a robot does what it would do anyway."""
    if state.speaking:
        return "turn to the voice"
    if state.label == "angry" and state.certainty > 0.5:
        return "step back slowly"
    return "go on"


def main(source: str | None) -> None:
    """Loop until the sound ends."""
    mood, position, last = EmotionState("assistant"), 0, ""
    with listen(source, with_levels=True) as heard:
        while not heard.finished:
            began_s = time.monotonic()
            for event in heard.poll(0.0):
                if isinstance(event, OfStream):
                    mood.take(event)
                if isinstance(event, Level):
                    position = event.sample
                elif isinstance(event, StreamEnded):
                    position = event.n_samples
            if position and (wanted := act(mood.at(position))) != last:
                last = wanted
                print(f"{position / 16_000:.1f} s: {wanted}", flush=True)
            time.sleep(max(0.0, PERIOD_S - (time.monotonic() - began_s)))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
