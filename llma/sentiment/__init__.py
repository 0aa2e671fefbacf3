"""Labels of messages, aggregates over them, the event that tells them."""
