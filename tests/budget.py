"""How many examples a property test draws: all of them in the whole suite, a quarter in the quick part.

`make test-quick` sets TANDEM_QUICK. What a quarter misses, the whole suite finds before anything is merged.
"""

import os

QUICK = bool(os.environ.get("TANDEM_QUICK"))


def examples(whole: int) -> int:
    """max_examples of a test that is drawn `whole` times in the whole suite."""
    return max(whole // 4, 10) if QUICK else whole
