"""Readers: one per source shape, each yields events or the reason why a line is none."""
