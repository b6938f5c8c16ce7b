"""What survives: tables, and files for all that is large."""
