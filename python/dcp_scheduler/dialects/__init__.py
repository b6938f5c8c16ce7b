"""The words of dcp-client 4 and 5, and of their workers."""
