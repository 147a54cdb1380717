"""Plays recorded market data as quotes."""
