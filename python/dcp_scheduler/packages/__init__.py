"""Packages of modules that work functions require: published, found with all that they need, listed."""
