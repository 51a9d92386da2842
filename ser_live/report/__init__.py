"""A session as a page for people: read from its log, counted, drawn, and put into words."""
