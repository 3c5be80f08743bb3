"""The records of batches: the batches, their items, and the chunks that runs convert."""
