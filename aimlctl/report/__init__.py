"""The demo's report: one HTML file that stands alone."""
