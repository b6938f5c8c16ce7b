"""Which worker gets which slices: pure functions."""
