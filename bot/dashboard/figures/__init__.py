"""The figures: what is counted of tasks and pull requests, as a page and as CSV."""
