"""How long a regular expression may try on one text: bounds that hold for every text, found by its parts.

Repetitions within repetitions are no business of this module: `core.disabling.may_take_for_ever` refuses them. Side by side, repetitions
that can take from each other multiply their ways: `[a-z]+.*[a-z]+` tries every pair of places. How many do is the `degree`: the ways grow
with that power of the text's length. That the search may begin anywhere counts as one more.
"""

from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

WAYS = 1_000_000  # that may be tried on one text: some 10 ms
_FEW = 8  # a repetition with no more choices than this multiplies by them, whatever the text
_LETTERS = frozenset([*map(chr, range(128)), "é", "中", "٣"])  # the last ones stand for all others
_OTHERS = frozenset("é中٣")
_GROUPS = {"SUBPATTERN": True, "ATOMIC_GROUP": True, "ASSERT": False, "ASSERT_NOT": False, "GROUPREF_EXISTS": False}  # matches of its own


class _Part(Value):
    """What matches letters out of `letters`; `free`: as many as it likes; `needed`: at least one."""

    _fields = ("letters", "free", "needed")
    letters: "frozenset[str]"
    free: bool
    needed: bool


class Cost(Value):
    """`degree`: see the module. `factor`: by how much choices multiply the ways that do not depend on the text's length."""

    _fields = ("degree", "factor")
    degree: int
    factor: int

    @property
    def longest(self) -> int:
        """How long a text may be, in characters, so that no more than WAYS are tried on it."""
        ways = WAYS
        for number in range(2, self.degree + 1):
            ways *= number
        return int(ways ** (1 / max(self.degree, 1)))


def cost(pattern: str, *, search: bool) -> Cost:
    """Return what `pattern`, which is one, may cost; `search`: it may begin anywhere, else only at the text's beginning."""
    from re import _parser  # type: ignore[attr-defined]

    factors: list[int] = []
    tree = _parser.parse(pattern)
    parts = [*_parts(tree, factors, needed=True)]
    if search and not (len(tree) and str(tree[0][0]) == "AT" and str(tree[0][1]).startswith("AT_BEGINNING")):
        parts.insert(0, _Part(letters=_LETTERS, free=True, needed=False))
    factor = 1
    for choices in factors:
        factor *= choices
    return Cost(degree=_longest_chain(parts), factor=factor)


def _longest_chain(parts: "list[_Part]") -> int:
    """Return how many free parts can take from one another, each from the next one."""
    chains: list[int] = []
    for place, part in enumerate(parts):
        chains.append(0 if not part.free else 1 + max((chains[at] for at in range(place) if _meet(parts, at, place)), default=0))
    return max(chains, default=0)


def _meet(parts: "list[_Part]", first: int, second: int) -> bool:
    """Tell whether the border between two free parts can move: what stands between them is to fit into both."""
    one, other = parts[first], parts[second]
    if not one.free or one.letters.isdisjoint(other.letters):
        return False
    between = [part.letters for part in parts[first + 1 : second] if part.needed]
    return not any(letters.isdisjoint(one.letters) or letters.isdisjoint(other.letters) for letters in between)


def _parts(tree: "Any", factors: "list[int]", *, needed: bool) -> "Iterator[_Part]":
    """Yield the parts of an expression in their order; `factors` gets the choices of those that are few."""
    for what, about in tree:
        name = str(what)
        if name.endswith("_REPEAT"):
            least, most, inner = about
            if most - least > _FEW:
                yield _Part(letters=_all_of(inner), free=True, needed=needed and least > 0)
            else:
                if most > least:
                    factors.append(most - least + 1)
                yield from _parts(inner, factors, needed=needed and least > 0)
        elif name == "BRANCH":
            factors.append(len(about[1]))
            for branch in about[1]:
                yield from _parts(branch, factors, needed=False)
        elif name in _GROUPS:
            for inner in _inner(about):
                yield from _parts(inner, factors, needed=needed and _GROUPS[name])
        elif name == "GROUPREF":
            yield _Part(letters=_LETTERS, free=False, needed=False)
        elif name != "AT":
            yield _Part(letters=_letters(name, about), free=False, needed=needed)


def _inner(about: "Any") -> "list[Any]":
    """Return the expressions within a part."""
    from re import _parser  # type: ignore[attr-defined]

    return [part for part in (about if isinstance(about, tuple) else (about,)) if isinstance(part, _parser.SubPattern)]


def _all_of(tree: "Any") -> "frozenset[str]":
    """Return all letters that occur in what an expression matches."""
    return frozenset().union(*(part.letters for part in _parts(tree, [], needed=True)))


def _letters(name: str, about: "Any") -> "frozenset[str]":
    """Return the letters that one part for one letter matches, or more: upper and lower case are the same here."""
    if name == "LITERAL":
        return _range(about, about)
    if name != "IN":
        return _LETTERS  # ANY, NOT_LITERAL
    members = [(str(kind), given) for kind, given in about]
    found: set[str] = set()
    exact = members[0][0] == "NEGATE"
    for kind, given in members:
        if kind == "LITERAL":
            found |= _range(given, given, exact=exact)
        elif kind == "RANGE":
            found |= _range(*given, exact=exact)
        elif kind == "CATEGORY":
            found |= _category(str(given))
    return _LETTERS - found if exact else frozenset(found)


def _range(low: int, high: int, *, exact: bool = False) -> "frozenset[str]":
    """Return the letters from `low` to `high`; `exact`: none that only may be meant."""
    found = {letter for letter in _LETTERS if low <= ord(letter) <= high}
    if exact:
        return frozenset(found - _OTHERS)
    swapped = {letter.swapcase() for letter in found}
    return frozenset(found | swapped | (_OTHERS if high > 127 else frozenset()))


def _category(name: str) -> "frozenset[str]":
    word = name.rpartition("_")[2]
    belongs = {"DIGIT": str.isdecimal, "SPACE": str.isspace, "WORD": lambda letter: letter == "_" or letter.isalnum()}[word]
    found = frozenset(filter(belongs, _LETTERS))
    return _LETTERS - found if "_NOT_" in name else found
