"""Calls: two or more who speak, each heard to a level of their own, measured and laid out.

Nobody is scored. What is told of somebody at work is when they spoke, and no more.
"""
