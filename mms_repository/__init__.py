"""The model repository: models, immutable signed versions, aliases, states and their history.

`MLModelRepository` of TS 28.105 and the store behind Nadrf_MLModelManagement (TS 29.575); called
MMS in the paper that the project follows. `python -m mms_repository` serves it.
"""
