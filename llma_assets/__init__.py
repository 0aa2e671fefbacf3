"""Dagster assets, checks, jobs and definitions."""
