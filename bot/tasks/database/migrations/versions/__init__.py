"""One module per step, numbered. A step must leave the schema usable by the version of Hob before it."""
