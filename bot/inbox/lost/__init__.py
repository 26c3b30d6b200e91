"""Finding what GitHub sent and Hob never got, and what it never sent."""
