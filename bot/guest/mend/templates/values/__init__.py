"""Edit templates for values: wrapped, exchanged, brought into shape, passed on, given back."""
