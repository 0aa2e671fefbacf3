"""Runs of summaries over windows and hours, on a real store."""
