"""The process that trains: its signals, its threads and memory, and others beside it."""
