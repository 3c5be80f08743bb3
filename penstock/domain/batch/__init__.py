"""The rules of a batch: addresses, names, manifests, requests of its lines. Pure."""
