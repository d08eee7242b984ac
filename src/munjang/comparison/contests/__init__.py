"""The compared tasks: one row per task, and nothing else in the comparison asks which task it is.

Rows import what is heavy when they are asked for it: the process of a baseline needs no torch.
"""

from munjang.comparison.contests.classify import ClassifyContest
from munjang.comparison.contests.contest import Contest
from munjang.comparison.contests.images import ImagesContest
from munjang.comparison.contests.multilabel import MultilabelContest
from munjang.comparison.contests.regress import RegressContest
from munjang.comparison.contests.translate import TranslateContest
from munjang.errors import ConfigError

CONTESTS: dict[str, Contest] = {
    "classify": ClassifyContest(),
    "regress": RegressContest(),
    "multilabel": MultilabelContest(),
    "images": ImagesContest(),
    "translate": TranslateContest(),
}


def require_contest(task: object) -> Contest:
    """Return the row of a task.

    Raises:
        ConfigError: Models of that task cannot be compared.
    """
    for name, contest in CONTESTS.items():
        if name == task:
            return contest
    *names, last = CONTESTS
    raise ConfigError(f"task: a comparison is of {', '.join(names)} or {last}; got '{task}'")
