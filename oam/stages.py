"""What each stage of an adaptation asks of which peer.

Every stage can be repeated: jobs are created under a request id of their own, and what a peer
would do twice is looked up first.
"""

from collections.abc import AsyncIterator, Mapping

from nf_runtime.clock import Clock
from oam.adaptation_events import Event, Refused
from oam.adaptations import Adaptation
from oam.canary import CanaryPolicy
from oam.making_stages import MakingStages, Performers, TestDefaults
from oam.ports import Analytics, InferenceFunction, ModelRepository, TrainingFunction
from oam.training_orders import TrainingDefaults
from oam.transitions import Stage
from oam.using_stages import UsingStages

# Who is asked at each stage, as logs name it.
PEER: Mapping[Stage, str] = {
    Stage.PREPARE: "nwdaf.anlf",
    Stage.START_TRAINING: "nwdaf.mtlf",
    Stage.AWAIT_TRAINING: "nwdaf.mtlf",
    Stage.START_TEST: "nwdaf.mtlf",
    Stage.AWAIT_TEST: "nwdaf.mtlf",
    Stage.RECORD_TEST: "mms_repository",
    Stage.APPROVE: "mms_repository",
    Stage.LOAD: "inference_nf",
    Stage.CANARY: "inference_nf",
    Stage.ACTIVATE: "inference_nf",
    Stage.PROMOTE: "mms_repository",
    Stage.RESTORE: "inference_nf",
    Stage.WITHDRAW: "mms_repository",
}


# Where an update that is late is given up. While a job runs, ending that ends the update; a canary
# looks at the time itself; and once a version is being activated, it is as good as in use.
_GIVEN_UP_WHEN_LATE = (Stage.PREPARE, Stage.START_TEST, Stage.APPROVE, Stage.LOAD)


class Stages:
    """The stages of an adaptation, through the ports.

    Args:
        training: The MTLF.
        repository: The model repository.
        inference: The inference function.
        analytics: The AnLF.
        training_defaults: What is trained where nobody asks for something else.
        test_defaults: How a version is tested.
        canary: How a candidate is compared with the champion.
        clock: For waiting, and for the deadline of an update.
    """

    def __init__(
        self,
        *,
        training: TrainingFunction,
        repository: ModelRepository,
        inference: InferenceFunction,
        analytics: Analytics,
        training_defaults: TrainingDefaults,
        test_defaults: TestDefaults,
        canary: CanaryPolicy,
        clock: Clock,
    ) -> None:
        making = MakingStages(
            training=training,
            repository=repository,
            analytics=analytics,
            training_defaults=training_defaults,
            test_defaults=test_defaults,
            clock=clock,
        )
        using = UsingStages(repository=repository, inference=inference, canary=canary, clock=clock)
        self._by_stage: Performers = {**making.by_stage, **using.by_stage}
        self._clock = clock

    async def perform(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        """What comes of the adaptation's stage: any progress, then the event that ends it.

        Raises:
            NfError: A peer's status; Unavailable and DeadlineExceeded may pass, others are final.
        """
        terms = adaptation.terms
        if adaptation.stage in _GIVEN_UP_WHEN_LATE and terms.is_over(self._clock.now()):
            yield Refused(terms.deadline_text)
            return
        async for event in self._by_stage[adaptation.stage](adaptation):
            yield event
