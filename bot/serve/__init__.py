"""The long-running processes: web, worker, dashboard. Each is put together here from settings."""
