"""`camera-backup status`: what this host records, holds and has proven in the bucket, read from files alone.

Nothing here speaks to a camera, the bucket or a service, so it answers at once also when all of them hang.
"""
