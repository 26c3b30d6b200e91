"""From a commit to an open sandbox: checkout, setup layers, checks, network policy, base merge, forks."""
