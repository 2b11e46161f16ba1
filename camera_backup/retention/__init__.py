"""`camera-backup retention`: the rules by which the bucket itself expires footage, where the operator wants that."""
