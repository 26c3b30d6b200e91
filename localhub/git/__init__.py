"""Git repositories on disk and over HTTP."""
