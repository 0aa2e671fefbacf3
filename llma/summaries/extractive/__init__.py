"""Summaries without a model: what a trace's landmarks and moods say, told in plain sentences with the lines that show it."""
