r"""Where lines end, in every format and on every way to read one.

A line ends with LF or CRLF. Where the first line end of the content is a lone CR, as old Macintosh
programs write, a lone CR ends lines too; elsewhere it is a character like any other. No other
character ends a line: form feeds and U+2028 stand within texts.

The first line end decides, so that a stream, of which the end is not known, is cut as the whole is.
"""

LF, CR, CRLF = b"\n", b"\r", b"\r\n"


class LineEnds:
    """Content piece by piece, with lone CRs as LFs where they end lines."""

    def __init__(self) -> None:
        self._lone: bool | None = None  # whether lone CRs end lines; None before the first end
        self._after_cr = False  # the last piece ended with a CR that was handed on as an end

    def feed(self, piece: bytes) -> bytes:
        """The next piece. Whatever the pieces, what comes of them together is the same."""
        if not piece:
            return piece
        if self._after_cr:
            self._after_cr = False
            # with the CR before it, this is one line end, which has been handed on
            if self._lone is None:
                self._lone = not piece.startswith(LF)
            piece = piece.removeprefix(LF)
        if self._lone is None:
            return self._first(piece)
        return self._as_lf(piece) if self._lone else piece

    def _first(self, piece: bytes) -> bytes:
        """A piece that may hold the first line end."""
        place, feed = piece.find(CR), piece.find(LF)
        if place < 0 or 0 <= feed < place:
            self._lone = None if feed < 0 else False
            return piece
        rest = piece[place + 1 :]
        if not rest:  # told at once, since nothing may come before somebody has an answer
            self._after_cr = True
            return piece + LF
        self._lone = not rest.startswith(LF)
        # as CRLF, as it is handed on where the piece ends with it
        return piece[:place] + CRLF + self._as_lf(rest) if self._lone else piece

    def _as_lf(self, piece: bytes) -> bytes:
        self._after_cr = piece.endswith(CR)
        return piece.replace(CRLF, LF).replace(CR, LF)


def with_line_feeds(content: bytes) -> bytes:
    """Whole content, with lone CRs as LFs where they end lines."""
    return LineEnds().feed(content)


def row_at(content: bytes, place: int) -> int:
    """The number of the line, from 1, in which a byte stands."""
    return with_line_feeds(content[:place]).count(LF) + 1
