"""Studies and recordings made elsewhere, one source a file."""
