"""Names of `performanceMetric` and `modelMetric`: one registry for all functions.

Both are free strings in TS 28.105 and TS 29.520. 3GPP defines no metric of a model's latent space:
the LATENT and DENOISE names are this project's own.
"""

from collections.abc import Mapping

SUM_SECRECY_RATE = "SUM_SECRECY_RATE_BPS_HZ"

PERFORMANCE_METRICS: Mapping[str, str] = {
    SUM_SECRECY_RATE: "mean achieved sum secrecy rate, b/s/Hz",
    "SECRECY_OUTAGE": "share of decisions whose secrecy rate misses its target, 0 to 1",
    "SINR_DB_P5": "fifth percentile of the SINR, dB",
    "DOPPLER_RESIDUAL_HZ": "mean residual Doppler after compensation, Hz",
    "INFERENCE_LATENCY_MS_P95": "95th percentile of the time of one inference, ms",
    "LATENT_MAHALANOBIS": "mean Mahalanobis distance of latent vectors to those of training",
    "LATENT_RECON_ERROR": "mean reconstruction error of latent vectors",
    "LATENT_COVERAGE": "share of latent vectors within the region of training, 0 to 1",
    "DENOISE_RESIDUAL": "mean residual of the last denoising step",
    "OOD_RATE": "share of inputs out of the training's distribution, 0 to 1",
}
"""What each name means, with its unit."""
