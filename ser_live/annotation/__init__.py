"""Labels of a person's own: which utterances to hear, what was said of them, how well it agrees."""
