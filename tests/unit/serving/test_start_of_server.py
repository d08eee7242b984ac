"""Start of a server: what it asks of the system."""

import resource

from munjang.serving.run import _allow_files


def test_limit_of_open_files_is_raised_as_far_as_allowed() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        _allow_files(300)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (300, hard)
        _allow_files(100)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (300, hard)
        _allow_files(10**9)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(hard, 10**9), hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
