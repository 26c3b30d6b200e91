"""Programs that run inside the sandbox beside the repository's code: standard library, pytest, coverage."""
