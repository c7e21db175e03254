"""Data sets, a file a kind of source, and the batches that training draws from them."""
