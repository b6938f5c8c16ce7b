"""The worker's page for browsers: a process of its own, a client of the control socket."""
