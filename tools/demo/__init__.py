"""`make demo`: two simulated cameras, an embedded S3 server, the real commands, and a table that proves the result."""
