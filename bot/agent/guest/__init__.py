"""Programs that run inside the sandbox, next to the repository's code: standard library, pytest, coverage only."""
