"""What an evaluator has done, in numbers: for ``--status``, and for a monitoring that scrapes them."""
