"""What the service counts for Prometheus. Each process adds what it counted to the records; the API shows the sums."""
