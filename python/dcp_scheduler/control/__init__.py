"""How an operator reaches a scheduler that runs: HTTP over a Unix socket in its state folder."""
