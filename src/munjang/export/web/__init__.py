"""A model as one page: HTML that answers in a browser, without a server or a network."""

from munjang.export.web.write import WrittenPage, write_page

__all__ = ["WrittenPage", "write_page"]
