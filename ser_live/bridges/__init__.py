"""Telling other programs while a session runs: OSC, LSL, MQTT, a command, a web address."""
