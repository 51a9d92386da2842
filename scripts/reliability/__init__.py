"""Measurements of `make reliability`: one module per section, each with ``TITLE`` and ``run``."""
