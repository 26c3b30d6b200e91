"""Tasks, runs and all else that Hob stores in PostgreSQL. Nothing else decides who works on what."""
