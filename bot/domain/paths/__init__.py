"""What follows from a file's path: who may change it, what runs it, whether it is a test."""
