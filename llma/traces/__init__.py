"""A trace as text: its events as a tree, each with what went in and came out, in numbered lines that can be cited."""
