"""The simulator against reference numbers that others computed, section by section.

`checks` is what a comparison is, `reference_file` reads the numbers, each other module here checks
the sections of its own subject, and `sections` runs a whole file.
"""
