"""The parts of the engine benchmark, one module a workload; see `benchmarks.engine`."""
