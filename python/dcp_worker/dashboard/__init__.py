"""The worker's dashboard in a terminal: a process of its own, a client of the control socket."""
