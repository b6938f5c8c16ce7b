"""The same job on many machines: evaluators on the nodes of a Ray cluster."""
