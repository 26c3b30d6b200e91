"""Text in and out: invisible characters, harmless Markdown, length limits, secrets, terminal codes."""
