"""What decides whether and when, and nothing else: one file a strategy, and `signals`, which asks each in turn."""
