"""A worker at work: ``python -m dcp_worker.demo`` (or ``make demo-worker``)."""
