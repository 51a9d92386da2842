"""Arrangements for the whole process, which are the program's to make and not the library's."""
