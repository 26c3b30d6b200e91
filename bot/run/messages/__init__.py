"""The texts that Hob writes on GitHub: pure functions from values to Markdown."""
