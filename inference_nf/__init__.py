"""The inference function: loads published models, decides at each trigger, applies and reports."""
