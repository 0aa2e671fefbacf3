"""Benchmarks: each prints the figures, and ratios, of one run."""
