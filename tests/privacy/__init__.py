"""What users wrote and what is secret stay where they belong, whatever goes wrong."""
