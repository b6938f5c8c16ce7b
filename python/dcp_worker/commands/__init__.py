"""The command ``dcp-worker``: its options, and what it does beside working."""
