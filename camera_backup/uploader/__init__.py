"""Segments leave for the bucket: a small process that waits, and a worker that is there only while there is work."""
