"""Other systems beside ours in the same run, each in an environment of its own that `make peers` builds."""
