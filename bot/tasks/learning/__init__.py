"""What people said against Hob's work where a repository agreed to learning, and the rules made of it."""
