"""A model: its card, its safe loading, its inputs and its arithmetic."""
