"""``hob solve``: work on a local repository, without GitHub and without a database."""
