"""What somebody probably meant. Imports its means only when something is wrong."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, names: "Iterable[str]") -> str | None:
    """Return the name that is most like `word`, or None if none is."""
    from difflib import get_close_matches

    found = get_close_matches(word[:100], list(names), n=1, cutoff=0.6)
    return found[0] if found else None


def hint(word: str, names: "Iterable[str]", otherwise: str = "") -> str:
    """Return the hint of an error about an unknown `word`: the nearest name, else `otherwise`."""
    found = nearest(word, names)
    return f"did you mean `{found}`?" if found else otherwise
