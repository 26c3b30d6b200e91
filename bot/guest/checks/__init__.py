"""One check inside the sandbox: a process that watches it, and plugins that report each test to that."""
