"""Which worker gets which slices: decisions without I/O, which the simulator of the benchmarks takes too."""
