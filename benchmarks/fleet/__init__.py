"""What the fleet tooling costs: by cameras on a host, beside the plain way, and by hosts."""
