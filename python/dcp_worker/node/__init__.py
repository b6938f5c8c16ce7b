"""A worker as it runs: connections, sandboxes, signals, and the supervisor that they serve."""
