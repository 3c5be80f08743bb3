"""Files on their way to us: imports from addresses."""
