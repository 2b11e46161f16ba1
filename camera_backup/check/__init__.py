"""`camera-backup check`: look at everything a recording depends on, before it is needed.

Probes are thin and return what they saw; pure functions turn that into findings, and findings into the verdict.
"""
