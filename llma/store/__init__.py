"""The store: one contract, one engine per file."""
