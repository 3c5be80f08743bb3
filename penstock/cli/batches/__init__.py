"""What `penstock batch` consists of: its order, its progress and its summary."""
