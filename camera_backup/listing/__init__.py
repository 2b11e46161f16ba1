"""`camera-backup list`: what the bucket holds. The bucket alone is asked; nothing local is needed but the keys."""
