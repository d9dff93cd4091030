"""Labels of several raters side by side, and the tables that two protocols make of them (docs/evaluation.md)."""
