"""The pretraining objectives, one method a file."""
