"""The demo: the whole chain on one machine, without any hardware."""
