"""A network of one's own: a scheduler for DCP's clients and workers, with its accounts and compute groups."""
