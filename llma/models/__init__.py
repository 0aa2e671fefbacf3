"""Embedded bundles (data): each folder is one model."""
