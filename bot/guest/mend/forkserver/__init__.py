"""A process that has the tests loaded and forks a child for each candidate change; and what asks it to."""
