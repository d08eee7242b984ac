"""Place where the trials of a search run, and how many run at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from munjang.cluster.nodes import check_nodes, describe_nodes, require_slots
from munjang.config import shown
from munjang.errors import ConfigError
from munjang.preparation import Prepared
from munjang.processes import check_process_count
from munjang.reporting import Report, pluralize
from munjang.tuning.folder import parallel_before
from munjang.tuning.runners import Here, Processes, Runner, Tasks, TrialJobs

_MOST_PARALLEL, _MOST_CORES = 1024, 1024


@dataclass(frozen=True)
class Place:
    """Place where trials run: in this process, in several on this machine, or on a cluster.

    Attributes:
        cluster: Address of a Ray cluster; None for this machine.
        parallel: Trials at once; None for as many as the search that is resumed, or as the cluster
            has cores for.
        cores: CPU cores, and threads, of each trial; None for the default.
    """

    cluster: str | None
    parallel: int | None
    cores: int | None

    def resolve(self, out: Path, *, resume: bool) -> Self:
        """Return the place with the number of trials at once of the search in `out`, if it resumes.

        Raises:
            ConfigError: A number is out of bounds, or more than this machine can bear.
            FolderError: The plan in `out` is damaged.
        """
        _check_count("parallel", self.parallel, _MOST_PARALLEL)
        _check_count("cores", self.cores, _MOST_CORES)
        parallel = self.parallel or (parallel_before(out) if resume else None)
        if self.cluster is None and parallel is not None:
            check_process_count("parallel", parallel)
        place = replace(self, parallel=parallel)
        if place.is_here and self.cores is not None:
            raise ConfigError(
                "cores: these are those of each of several trials at once; give parallel or "
                "cluster too"
            )
        return place

    @property
    def is_here(self) -> bool:
        """True if trials run in this process, one after another."""
        return self.cluster is None and self.parallel in (None, 1)

    def open(
        self, prepared: Prepared, out: Path, shared: Mapping[str, Any], report: Report
    ) -> tuple[Runner, int]:
        """Return what runs the trials, and how many at once; a cluster is connected already.

        Args:
            prepared: What all trials share.
            out: Folder of the search.
            shared: As `TrialJobs` takes it.
            report: Called with a line for people.

        Raises:
            ConfigError: The nodes of the cluster are too small, or do not see the folder.
        """
        cores = self.cores or 1
        if self.is_here:
            return Here(prepared), 1
        jobs = TrialJobs(out.resolve(), shared, cores)
        if self.cluster is None:
            parallel = self.parallel or 1
            report(f"{pluralize(parallel, 'trial')} at once, {pluralize(cores, 'core')} each")
            return Processes(jobs), parallel
        slots = require_slots(cores)
        parallel = self.parallel or slots
        check_nodes(jobs.out)
        report(describe_nodes(parallel, cores))
        return Tasks(jobs), parallel


def _check_count(name: str, value: int | None, most: int) -> None:
    if value is not None and not 1 <= value <= most:
        raise ConfigError(f"{name}: expected 1 to {most:,}, got {shown(value)}")
