"""Names of `performanceMetric` and `modelMetric`: one registry for all functions.

Both are free strings in TS 28.105 and TS 29.520. 3GPP defines no metric of a model's latent space:
the LATENT and DENOISE names are this project's own.
"""

from collections.abc import Mapping

SUM_SECRECY_RATE = "SUM_SECRECY_RATE_BPS_HZ"

PERFORMANCE_METRICS: Mapping[str, str] = {
    SUM_SECRECY_RATE: "mean achieved sum secrecy rate, b/s/Hz",
    "SECRECY_GAIN_BPS_HZ": "mean gain of applied decisions over the allocation before, b/s/Hz",
    "SECRECY_OUTAGE": "share of applied decisions with a sum secrecy rate of 0",
    "FALLBACK_RATIO": "share of decisions that the fallback made",
    "SINR_DB_P5": "fifth percentile of the reference SINR of the beams, dB",
    "DOPPLER_RESIDUAL_HZ": "largest absolute residual Doppler that a Doppler trigger told, Hz",
    "INFERENCE_LATENCY_MS_P95": "95th percentile of the time of one inference, ms",
    "LATENT_RELIABILITY": "mean reliability that the latent space gives decisions, 0 to 1",
    "LATENT_MAHALANOBIS": "mean Mahalanobis distance of latent vectors to those of training",
    "LATENT_RECON_ERROR": "mean reconstruction error of latent vectors",
    "LATENT_COVERAGE": "share of latent vectors within the region of training, 0 to 1",
    "DENOISE_RESIDUAL": "mean residual of the last denoising step",
    "OOD_RATE": "share of inputs out of the training's distribution, 0 to 1",
}
"""What each name means, with its unit."""
