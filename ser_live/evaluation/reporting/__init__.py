"""Results of an evaluation as a page with plots, from its JSON files alone."""
