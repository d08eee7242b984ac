"""Placeholder replaced at merge."""


class KneserNey:
    @classmethod
    def fit(cls, ids, size, order):
        return None
