"""When a worker may work: from what its owner wants and what is seen of the machine to a verdict. No I/O."""
