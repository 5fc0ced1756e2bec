"""What replaces parts of Ray's own, and the version of Ray that it was made for."""

import ray
from ray.air.execution._internal import RayActorManager
from ray.tune import tune as tune_module
from ray.tune.execution import tune_controller

from nas.executors.ray_tune import patches


def test_the_patches_are_for_the_ray_that_is_installed() -> None:
    minor = ".".join(ray.__version__.split(".")[:2])
    assert minor == patches.MADE_FOR, (
        f"Ray {ray.__version__} is installed, and nas/executors/ray_tune/patches.py was made for "
        f"{patches.MADE_FOR}: compare the classes that it derives from with those of the new "
        f"version, and what nas/executors/ray_cluster.py replaces; let "
        f"tests/nas/executors/test_ray_tasks.py and tests/scaling_search/test_chaos.py "
        f"pass, then name the new version there"
    )


def test_what_is_patched_is_there_and_comes_back() -> None:
    for method in ("_actor_task_failed",):
        assert callable(getattr(RayActorManager, method))
    before = tune_controller.RayActorManager, tune_module.TuneController
    assert callable(before[1]._process_trial_failure)
    with patches.survive_losses():
        assert issubclass(tune_controller.RayActorManager, before[0])
        assert issubclass(tune_module.TuneController, before[1])
        assert tune_module.TuneController is not before[1]
    assert (tune_controller.RayActorManager, tune_module.TuneController) == before
