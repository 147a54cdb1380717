"""Wires and venues in virtual time, for adversarial campaigns: real codecs and sessions, no socket, no wall clock."""
