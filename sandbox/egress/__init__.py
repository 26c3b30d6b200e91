"""The way out of a sandbox: a proxy on the host that lets through what the policy names."""
