"""Several processes that take the steps of one training together (data parallelism).

alone.py        the interface, and its default: one process
collectives.py  sums, gathering and broadcasts over all workers
dealing.py      which rows of a batch each worker has
exchange.py     gradients of all workers, added up
group.py        a member of a group of processes
joining.py      the group that torchrun, or `munjang train --workers`, describes to its processes
"""

from munjang.training.workers.alone import ALONE, WorkerDone, Workers

__all__ = ["ALONE", "WorkerDone", "Workers"]
