"""Sessions of weeks and months: an index of the logs, day values, trends, notes of one's own."""
