"""What a machine does to a program: processes that die at any moment, and processes that all want the same file."""
