"""Child processes for untrusted input: fork server, supervision, resource limits, jail. Knows nothing of media."""
