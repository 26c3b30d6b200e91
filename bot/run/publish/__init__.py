"""Every write of a run to GitHub: branch, pull request, review, check run, comment."""
