"""Shards become pretrained image-text models, and models become evaluation reports."""
