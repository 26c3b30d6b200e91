"""Rulesets: what a repository lets happen to its branches, judged alike for git and the API."""
