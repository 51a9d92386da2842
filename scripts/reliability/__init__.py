"""What `make reliability` measures: one module a section, each with ``TITLE`` and ``run``."""
