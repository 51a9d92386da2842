"""Measurements, offline only: how often the analyzer is right, and how that is known."""
