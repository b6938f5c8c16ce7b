"""The main job, from end to end: ``python -m dcp_evaluator.demo`` (or ``make demo``)."""
