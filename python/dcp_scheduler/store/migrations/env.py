"""Alembic wants this file; ``upgrade`` does without it."""
