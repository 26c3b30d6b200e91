"""What the request says, held against the repository: its examples, and the tests that it is about."""
