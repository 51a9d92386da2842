"""Read what `ser-live --lsl` offers: `pip install pylsl`, and give the seconds to read for."""

import json
import sys
import time

import pylsl


def main(seconds: float, name: str = "ser-live") -> None:
    """Print each utterance with its place on LSL's clock."""
    found = pylsl.resolve_byprop("name", f"{name} events", timeout=30)
    if not found:
        sys.exit(f"no stream {name} events: start ser-live with --lsl.")
    inlet = pylsl.StreamInlet(found[0])
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        sample, stamp = inlet.pull_sample(timeout=0.2)
        record = json.loads(sample[0]) if sample else {}
        if record.get("type") == "emotion":
            # The stamp is when it was spoken; another machine adds inlet.time_correction().
            print(f"{stamp:.3f} s: {record['emotion'] or record['state']}", flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), *sys.argv[2:])
