"""`make soak`: real recorders and the real uploader under a seeded storm of faults, and an account of every frame."""
