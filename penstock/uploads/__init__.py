"""Takes in files: reads their facts and stores them."""
