"""The downstream tasks, one protocol a file."""
