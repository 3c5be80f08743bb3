"""Log lines: without secrets, and with the id of the request that they belong to."""
