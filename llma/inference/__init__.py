"""A model on disk, a session in memory, texts in batches."""
