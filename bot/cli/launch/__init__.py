"""Commands with which an operator launches and plans."""
