"""Webhook deliveries: stored, several in one commit, and what becomes of them."""
