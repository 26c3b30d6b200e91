"""Which test commands a tree declares, for each of its packages: a module for each ecosystem."""
