"""What commands use of this machine: the service of the home, and the records of its database."""
