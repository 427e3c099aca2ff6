"""Benchmarks: hot paths timed, peers on the same data in the same run. Never a gate."""
