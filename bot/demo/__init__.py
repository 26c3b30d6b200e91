"""A whole Hob on one machine, for looking at: servers, a repository with a bug, and the story on it."""
