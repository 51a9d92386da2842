"""Where the events of a session go: lines, log, dashboard, audio files, other programs."""
