"""The workers that are there: what each says of itself."""
