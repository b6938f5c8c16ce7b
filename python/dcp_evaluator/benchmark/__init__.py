"""``dcp-evaluator --benchmark``: what this machine does in sandboxes, for the owner of a node."""
