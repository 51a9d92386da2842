"""Text on a terminal, made harmless, measured and drawn."""
