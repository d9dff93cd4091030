"""Classifiers trained on features and on labels of reports."""
