"""Hear both sides of a call: the agent's only for when they speak, the customer's for emotions."""

import sys

from ser_live import iter_utterances, parse_roles

roles = parse_roles("left=agent:activity,right=customer")
for result in iter_utterances(sys.argv[1], channels=roles):
    print(f"{result.start_s:6.2f} s  {result.stream.role}: {result.emotion or result.state}")
