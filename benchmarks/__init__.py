"""Measurements beside the tools people would otherwise use. `python -m benchmarks --help`."""
