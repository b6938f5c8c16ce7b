"""What surfaces show of a worker: its status in words, and a watch of it that outlives restarts."""
