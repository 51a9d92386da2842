"""Recordings one by one or in folders, without threads or display."""
