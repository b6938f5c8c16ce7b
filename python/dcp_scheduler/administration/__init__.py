"""What an operator does, on the database of a network, whether it runs or not."""
