"""Session folders and public data sets become shards of gaze-aligned readings."""
