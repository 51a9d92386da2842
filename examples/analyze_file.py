"""Analyze a recording: a line an utterance, then the whole."""

import sys

from ser_live import AudioError, analyze

try:
    recording = analyze(sys.argv[1])
except AudioError as error:
    sys.exit(str(error))

for utterance in recording.utterances:
    label = utterance.emotion or utterance.state  # a state where no emotion can be named
    print(f"{utterance.start_s:6.2f} to {utterance.end_s:6.2f} s  {label}")
    for name, probability in (utterance.probabilities_by_name or {}).items():
        if probability >= 0.1:
            print(f"    {name} {probability:.2f}")

summary = recording.summary
print(f"{recording.duration_s:.1f} s as a whole: {summary['emotion'] or summary['state']}")
