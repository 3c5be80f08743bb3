"""The runs of batches: the coordinating run of a batch, and the run of a chunk of its lines."""
