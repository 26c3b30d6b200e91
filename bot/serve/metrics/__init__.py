"""What the processes count for Prometheus; docs/metrics.md lists them. Web's are in bot.inbox.metrics."""
