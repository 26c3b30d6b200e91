"""Who may not ask, who asks for the first time, and what was refused."""
