"""Files of sessions: logs, audio, the folders that keep them, and their sums."""
