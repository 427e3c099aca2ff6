"""The parts of the risk benchmark that need more than arrays of exposures; see `benchmarks.risk`."""
