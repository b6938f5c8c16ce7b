"""What a worker has done and earned, by day and job, for a year."""
