"""Cores of this machine that this process computes on, kept from the tasks of the cluster."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from munjang.cluster.package import need_ray

# Seconds until the cores are held: they are free, or this machine gives none to tasks.
_PATIENCE = 10.0


class _Holder:
    """Occupies cores, and does nothing."""

    def is_there(self) -> bool:
        """Return True."""
        return True


@contextmanager
def hold_cores(cores: int) -> Iterator[None]:
    """Occupy cores of this node for the duration of the block, if it has as many free."""
    ray = need_ray()
    own = ray.get_runtime_context().get_node_id()
    here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(own, soft=False)
    holder = ray.remote(num_cpus=cores)(_Holder).options(scheduling_strategy=here).remote()
    with suppress(ray.exceptions.GetTimeoutError):
        ray.get(holder.is_there.remote(), timeout=_PATIENCE)
    try:
        yield
    finally:
        ray.kill(holder)


def own_address() -> str:
    """Return the address under which the other nodes reach this one."""
    address: str = need_ray().util.get_node_ip_address()
    return address
