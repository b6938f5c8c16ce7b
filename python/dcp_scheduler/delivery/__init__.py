"""Events on their way to clients."""
