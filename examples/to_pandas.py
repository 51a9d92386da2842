"""Sum up in pandas how long each emotion was heard in a recording."""

import sys

from ser_live import analyze

frame = analyze(sys.argv[1]).to_pandas()
print(frame.groupby("emotion")["speech_s"].sum().round(1).to_string())
