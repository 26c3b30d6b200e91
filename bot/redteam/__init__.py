"""A hostile model and a hostile repository, played against the configuration that an operator has."""
