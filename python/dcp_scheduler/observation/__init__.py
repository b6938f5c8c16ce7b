"""What a scheduler tells of itself: metrics and logs."""
