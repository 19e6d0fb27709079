"""Rules for the text of a radiology report; the face is `curation.reports`."""
