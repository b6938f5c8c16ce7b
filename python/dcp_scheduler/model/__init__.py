"""What clients and workers say, in neither dialect's words."""
