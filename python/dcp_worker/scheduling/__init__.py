"""Decisions of a worker, as functions of what is known: how much work to ask for, and which slice comes next."""
