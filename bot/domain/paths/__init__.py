"""What the path of a file says of it: who may change it, what runs it, whether it is a test."""
