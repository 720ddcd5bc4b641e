"""GAN-GDM: few-step generative diffusion of joint carrier, power and beamformer decisions.

Algorithm 1 of Adam et al. 2025: a forward process noises optimal decisions over T = 100 steps; a
conditional generator denoises them in T' of 1, 2 or 4 strided steps, trained adversarially
against a discriminator that knows context and noise level, by regression on the labels, and by
the secrecy rate of its own decisions.
"""
