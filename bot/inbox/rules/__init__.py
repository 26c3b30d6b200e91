"""One module per kind of event: a pure function from an event to a decision."""
