"""`make demo` (fleet.py): hosts in containers and the real playbooks. `make demo-local` (local.py): without containers.

Both end with every object of the bucket fetched again, and held against what was recorded.
"""
