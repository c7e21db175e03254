"""The pages for users, and the programs that write what in them follows from the code."""
