"""Session logs in the forms of other programs, a module each.

Tables (CSV, Parquet) have a row an utterance and pass it on as it is read. The others lay the
session out in time first (`timeline`): nothing of it is left out, whether it was named or not.
"""
