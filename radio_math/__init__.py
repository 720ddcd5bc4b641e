"""The physics of the link, pure: geometry and random parts in, rates out.

What a trained network differentiates (`secrecy`) is written against the array API and takes numpy
or torch arrays; what is only sampled (`channel` and below it) is numpy. Nothing here knows a file,
a clock, a network or a model.
"""
