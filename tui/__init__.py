"""The desk of the reading room: drives capture, curation and training by files."""
