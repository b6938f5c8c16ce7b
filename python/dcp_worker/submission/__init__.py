"""Results and statuses of slices on their way to the scheduler; results are on disk until it has them."""
