"""The reading window: image, view, and the events that say what was shown."""
