"""AIMLInferenceReport: the latest decision of each model, with how far it can be trusted.

TS 28.105 defines no metric of a latent space: the reliability that it gives a decision is its
`decisionConfidenceScore`.
"""

from collections.abc import Mapping

from nf_runtime.events.catalogue import Decision
from oam.adaptation_objects import INFERENCE_NAME
from oam.nrm.names import Name, parse_name
from oam.nrm.objects import Tree


class InferenceReports:
    """Keeps the latest decision of each model until it is written.

    Args:
        function: The AIMLInferenceFunction object.
    """

    def __init__(self, function: Name) -> None:
        self._function = function
        self._latest: dict[tuple[str, int], Decision] = {}

    def observe(self, decision: Decision) -> None:
        """Take in a decision; those of the fallback are no model's."""
        if decision.source == "model":
            self._latest[decision.model_name, decision.model_version] = decision

    def write(self, tree: Tree, models: Mapping[tuple[str, int], str]) -> None:
        """Write what has come in since, of models that have an object.

        Args:
            tree: Where to.
            models: MLModel objects by name and version.
        """
        for version in [each for each in self._latest if each in models]:
            decision, model = self._latest.pop(version), parse_name(models[version])
            name = self._function.child("AIMLInferenceReport", model.identity)
            tree.put(
                name,
                {
                    "inferenceOutputs": [
                        {
                            "inferenceOutputId": [decision.decision_id],
                            "aIMLInferenceName": INFERENCE_NAME,
                            "inferenceOutputTime": [tree.now.isoformat()],
                            "inferencePerformance": {
                                "inferenceOutputName": INFERENCE_NAME,
                                "performanceMetric": "SUM_SECRECY_RATE_BPS_HZ",
                                "performanceScore": decision.achieved_after_bps_hz,
                                "decisionConfidenceScore": decision.reliability,
                            },
                            "outputResult": {
                                "engine": decision.engine,
                                "triggerType": decision.trigger_type,
                                "achievedBeforeBpsHz": decision.achieved_before_bps_hz,
                                "predictedBpsHz": decision.predicted_rate_bps_hz,
                                "inferenceMs": decision.timings.inference_ms,
                            },
                        }
                    ],
                    "mLModelRefList": [str(model)],
                },
            )
            tree.put(model, {"aIMLInferenceReportRefList": [str(name)]})
