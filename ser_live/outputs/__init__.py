"""Sinks of the events of a session: lines, dashboard; the fan-out that feeds them all."""
