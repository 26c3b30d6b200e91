"""``hob eval``: measure a model on tasks whose tests are known, and which it cannot edit."""
