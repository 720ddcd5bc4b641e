"""The model library: scenarios, labels, baselines, the GAN-GDM, its export and its evaluation.

Pure: it knows no network function, no broker and no configuration file. torch is imported by
`gan_gdm` and `export` only; `baselines`, `datasets` and `evaluate` run where models are served.
"""
