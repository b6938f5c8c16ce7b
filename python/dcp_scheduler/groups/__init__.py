"""Compute groups: who may work for a job."""
