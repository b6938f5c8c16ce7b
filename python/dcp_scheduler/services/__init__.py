"""The operations that clients and workers ask for."""
