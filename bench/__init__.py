"""Costs of the hot path: what `python -m bench` measures, each beside a floor that the same run measured.

Absolute figures wander with the machine; the ratio of a figure to its floor holds, because both are taken in turns.
A figure whose work came out wrong is refused, never printed.
"""
