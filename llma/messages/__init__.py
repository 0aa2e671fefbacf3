"""What a person wrote, out of any provider's message shape."""
