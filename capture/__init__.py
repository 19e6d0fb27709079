"""A reading of images becomes a session folder: gaze, display events and dictation."""
