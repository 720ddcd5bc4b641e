"""A trained sampler as files that any host can serve and nobody has to trust: no pickle."""
