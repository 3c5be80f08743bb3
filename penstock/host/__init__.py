"""One machine: the home folder, the embedded PostgreSQL, the processes of a service, scratch folders, ports."""
