"""Analyze a call whose two sides are on two channels; each voice is judged by itself."""

import sys

from ser_live import iter_utterances

for result in iter_utterances(sys.argv[1], channels={0: "agent", 1: "customer"}):
    print(f"{result.start_s:6.2f} s  {result.stream.role}: {result.emotion or result.state}")
