"""A node of a DCP network: fetches slices of jobs, runs them in sandboxes, submits their results."""
