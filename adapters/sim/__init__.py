"""A simulated venue: matching, positions and money, latency, faults, generated quotes. It is handed its server."""
