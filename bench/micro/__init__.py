"""Micro-benches of pytest-benchmark; `python -m bench kernels` and `codec` run them. The test suite collects none."""
