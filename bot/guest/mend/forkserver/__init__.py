"""Running the repository's tests on candidate changes, in forked processes."""
