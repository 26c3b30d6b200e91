"""Bug-fix commits of real histories as cases, and what Hob makes of them."""
