"""Jobs and their slices, from submission to the last result."""
