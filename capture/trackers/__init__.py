"""Where gaze comes from."""
