r"""Line endings, for every text format, whole or streamed.

A line ends with LF or CRLF. If the first line end of the content is a lone CR, as classic Mac OS
programs write, a lone CR ends lines too; otherwise it is an ordinary character. No other
character ends a line: form feeds and U+2028 are part of a text.

The first line end decides, so that a stream is cut into the same lines as the whole file.
"""

LF, CR, CRLF = b"\n", b"\r", b"\r\n"


class LineEnds:
    """Incremental converter of lone CRs to LFs, where lone CRs end lines."""

    def __init__(self) -> None:
        self._lone: bool | None = None  # whether lone CRs end lines; None before the first end
        self._after_cr = False  # the last piece ended with a CR, returned as a line end

    def feed(self, piece: bytes) -> bytes:
        """Convert the next piece; the result does not depend on where the pieces are cut."""
        if not piece:
            return piece
        if self._after_cr:
            self._after_cr = False
            # with the CR before it, this is one line end, which was already returned
            if self._lone is None:
                self._lone = not piece.startswith(LF)
            piece = piece.removeprefix(LF)
        if self._lone is None:
            return self._first(piece)
        return self._as_lf(piece) if self._lone else piece

    def _first(self, piece: bytes) -> bytes:
        """Convert a piece that may hold the first line end."""
        place, feed = piece.find(CR), piece.find(LF)
        if place < 0 or 0 <= feed < place:
            self._lone = None if feed < 0 else False
            return piece
        rest = piece[place + 1 :]
        if not rest:  # returned at once: the writer may wait for an answer before it sends more
            self._after_cr = True
            return piece + LF
        self._lone = not rest.startswith(LF)
        # CRLF, as above, where the piece ends with the CR
        return piece[:place] + CRLF + self._as_lf(rest) if self._lone else piece

    def _as_lf(self, piece: bytes) -> bytes:
        self._after_cr = piece.endswith(CR)
        return piece.replace(CRLF, LF).replace(CR, LF)


def normalize_line_ends(content: bytes) -> bytes:
    """Return the whole content with lone CRs as LFs, where lone CRs end lines."""
    return LineEnds().feed(content)


def row_at(content: bytes, place: int) -> int:
    """Return the 1-based number of the line that holds the byte at `place`."""
    return normalize_line_ends(content[:place]).count(LF) + 1
