"""Pull requests, reviews, review comments and merging."""
