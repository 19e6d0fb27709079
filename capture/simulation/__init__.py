"""Phantom chest X-rays with known findings, and a reader who looks and dictates."""
