"""Python for sandboxes: distributions of Pyodide on this machine, each file of which has a hash that is known."""
