"""Real traces for the demo (data): see ATTRIBUTION.md for where each comes from and under which licence."""
