"""What a store raises."""


class StoreError(RuntimeError):
    """The store cannot be used; the message says what to do."""
