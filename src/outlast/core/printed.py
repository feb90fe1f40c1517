"""Printed output as a person sees it: pieces between line breaks, without control sequences. Takes any bytes, in time linear in them."""

LONGEST = 4096  # characters of a piece that are looked at
SHOWN = 200  # of the last line
REPORT = "\x1b]9;4;"  # how a piece begins that is a progress report for the terminal (OSC 9;4): nothing of it is seen
_MOVES = "ABEFGHJdf"  # final bytes of sequences that go elsewhere (ECMA-48): what follows is printed anew
_STRINGS = "]PX^_"  # what begins a string up to BEL or ESC \
_LONGEST_REPORT = 24


def pieces(line: bytes) -> "list[str]":
    r"""Return the pieces of a line in the order printed: each \r, and each jump of the cursor, ends one; the last is what stands open.

    Characters that are not printed are left out, a tab is a space.
    """
    text = line.decode("utf-8", "replace")
    if text.isprintable():
        return [text[:LONGEST]]
    if "\x1b" in text:
        text = _without_sequences(text)
    return [_clean(part[:LONGEST]) for part in text.split("\r")]


def shown(piece: str) -> str:
    """Return what stands for a piece where there is room for one line; empty if nothing of it is seen."""
    return "" if piece.startswith(REPORT) else piece.strip()[:SHOWN].rstrip()


def _clean(text: str) -> str:
    if text.isprintable() or text.startswith(REPORT):
        return text
    return "".join(letter if letter.isprintable() else " " if letter == "\t" else "" for letter in text)


def _without_sequences(text: str) -> str:
    """Return `text` without escape sequences; one that moves the cursor becomes a carriage return, a progress report a piece of its own."""
    kept = []
    start = 0
    while True:
        at = text.find("\x1b", start)
        if at < 0:
            kept.append(text[start:])
            return "".join(kept)
        kept.append(text[start:at])
        kind = text[at + 1 : at + 2]
        if kind == "[":
            start = _after_csi(text, at + 2)
            final = text[start - 1]
            if final in _MOVES or (final == "K" and text[at + 2 : start - 1] == "2"):
                kept.append("\r")
        elif kind and kind in _STRINGS:
            end, start = _string(text, at + 2)
            if end < start and text.startswith(REPORT, at):
                kept.append(f"\r{text[at : min(end, at + _LONGEST_REPORT)]}\r")
        else:
            start = at + 2


def _after_csi(text: str, at: int) -> int:
    """Return where a control sequence ends whose parameters begin at `at`."""
    while at < len(text) and " " <= text[at] <= "?":
        at += 1
    return at + 1 if at < len(text) and text[at] != "\x1b" else at


def _string(text: str, at: int) -> "tuple[int, int]":
    """Return where a string that begins at `at` ends, and what follows it begins; the same place twice if its end is not there."""
    escape = text.find("\x1b", at)
    stop = len(text) if escape < 0 else escape
    bell = text.find("\x07", at, stop)
    if bell >= 0:
        return bell, bell + 1
    return (stop, stop + 2) if text[stop + 1 : stop + 2] == "\\" else (stop, stop)
