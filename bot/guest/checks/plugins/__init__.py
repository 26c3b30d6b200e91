"""On the import path of every Python that a check starts: nothing else may stand here."""
