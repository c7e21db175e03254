"""Runs as files that others take over: packed by one, unpacked into another's store."""
