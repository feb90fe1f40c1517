"""Lines as they are searched: the text of whole ones, of a long one in pieces, without times and at little cost."""

from outlast.logs.cri import TAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.logs.cri import Batch

LONGEST = 16384  # bytes of a piece: the cost of a search can grow with the power of it


def cut(text: bytes) -> "list[bytes]":
    """Return `text` in pieces of at most LONGEST bytes; the empty text is one."""
    return [text] if len(text) <= LONGEST else [text[at : at + LONGEST] for at in range(0, len(text), LONGEST)]


class Pieces:
    """Makes texts out of the lines of a log. `settled`: the place in the log stream up to which no line is unfinished."""

    __slots__ = ("_open", "_read", "settled")

    def __init__(self, settled: int) -> None:
        """Begin at the beginning of a line."""
        self.settled = self._read = settled
        self._open: dict[str, bytes] = {}  # by stream: what has been read of a line that goes on

    def add(self, position: int, batch: "Batch") -> "list[bytes]":
        """Return the texts that the lines of `batch` end. `position`: of the first one in the log stream."""
        lines, ended = batch
        texts: list[bytes] = []
        for line in lines:
            position += len(line) + ended
            tag = TAGS.get(line[29:40])
            if tag is None:
                continue  # torn: nothing of the command's
            text = line[40:]
            if self._open:
                text = self._open.pop(tag[0], b"") + text
            if tag[1] and ended:
                texts += [text] if len(text) <= LONGEST else cut(text)
            else:
                *whole, rest = cut(text)
                texts += whole
                self._open[tag[0]] = rest
            if not self._open:
                self.settled = position
        self._read = position
        return texts

    def finish(self, end: int = 0) -> "list[bytes]":
        """Return what is unfinished: nothing comes after it, or something is missing there, up to `end` in the log stream."""
        texts = [text for text in self._open.values() if text]
        self._open.clear()
        self.settled = self._read = max(self._read, end)
        return texts

    @property
    def is_settled(self) -> bool:
        """Tell whether no line is unfinished."""
        return not self._open
