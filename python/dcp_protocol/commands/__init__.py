"""The commands of the protocol."""
