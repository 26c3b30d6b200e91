"""GitHub Actions as the REST API tells of it."""
