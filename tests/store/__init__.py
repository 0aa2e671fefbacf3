"""The contract of the store, run on every engine, and what each engine promises beyond it."""
