"""What a worker does with jobs, slices and sandboxes: a machine without I/O. Events go in, actions come out."""
