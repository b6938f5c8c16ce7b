"""Jobs, slices and what else a scheduler and a worker tell each other, the same for DCP's dialects 4 and 5."""
