"""``hob replay``: drive a stored run again from its recorded answers."""
