"""What a commit points to and does not hold: submodules, and content in Git LFS."""
