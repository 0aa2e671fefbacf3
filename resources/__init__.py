"""Dagster resources: thin wrappers of the library, named by role."""
