"""Whether this machine, the environment files and the accounts are ready: `ils doctor`. Looks, and changes nothing."""
