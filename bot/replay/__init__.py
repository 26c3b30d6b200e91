"""``hob replay``: run a stored run again with its recorded answers."""
