"""One sandbox of DCP's start-up files, as a supervisor uses it, and the evaluators that sandboxes come from."""
