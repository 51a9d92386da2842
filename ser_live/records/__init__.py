"""Files of sessions: logs, audio, the folders they lie in, and their sums."""
