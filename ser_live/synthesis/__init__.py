"""Signals made from random numbers and formulas: noises, rooms, lines, sounds without speech.

The lowest room of the offline half: training varies recordings with them, evaluation spoils
recordings with them. Recorded noises and rooms stay unseen for measurements.
"""
