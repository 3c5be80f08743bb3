"""Child processes for untrusted input: a fork server, supervision and resource limits. Knows nothing of media.

There is no jail yet: a child runs as the same user within its limits, and may open other files and sockets.
"""
