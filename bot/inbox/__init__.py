"""From a signed webhook to tasks: verify, store, parse, decide."""
