"""User messages: shapes, injected context, turns."""
