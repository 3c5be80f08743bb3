"""What `penstock up` does on one machine."""
