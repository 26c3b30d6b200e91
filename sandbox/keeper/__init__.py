"""The process that owns a sandbox's mounts and starts its commands, and the worker's link to it."""
