"""What a worker does in numbers, for a monitoring."""
