"""The command ``dcp-scheduler``."""
