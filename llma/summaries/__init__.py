"""A trace told in ten lines that can be checked: the schema, the summarisers, the checks, the emitted event."""
