"""The condition `http`: a URL answers with a status of 2xx, after redirects."""

from outlast import __version__
from outlast.core.errors import UsageError
from outlast.core.ports import NOTHING, Seen, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from urllib.request import OpenerDirector

_SAFE = "%/:=&?~#+!$,;'@()*[]"  # what quoting leaves alone: reserved characters (RFC 3986) and what is quoted already
_HINT = "write it as in `https://example.com/ready`"


class Http:
    """Met while a GET answers 2xx. The body is not read. Proxies are those of the job's environment (http_proxy, no_proxy)."""

    name = "http"
    fast = False
    watch = NOTHING

    def check(self, word: str, cwd: str) -> str:  # noqa: ARG002  # a URL is the same everywhere
        """Return the URL in ASCII, without its fragment. Raises UsageError."""
        from urllib.parse import quote, urlsplit, urlunsplit

        if any(c.isspace() or not c.isprintable() for c in word):
            raise UsageError("a URL holds white space or a control character", _HINT)
        try:
            parts = urlsplit(word)
            host, port = parts.hostname, parts.port
            host = host.encode("idna").decode("ascii") if host and not host.isascii() else host
        except ValueError as error:  # also UnicodeError, of the host's name
            raise UsageError(f"`{word}` is not a URL ({error})", _HINT) from None
        if parts.scheme not in {"http", "https"} or not host:
            raise UsageError(f"`{word}` is not a URL of http or https", _HINT)
        if parts.username is not None:
            raise UsageError(
                "a URL with a user or password is not taken, for everybody would see it", "ask by a script, as with `curl --netrc`"
            )
        place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port is not None else "")
        return urlunsplit((parts.scheme, place, quote(parts.path, safe=_SAFE), quote(parts.query, safe=_SAFE), ""))

    def look(self, word: str) -> Seen:
        """Ask once."""
        from http.client import HTTPException
        from urllib.error import HTTPError, URLError

        try:
            with _opener().open(word) as answer:
                return Seen(met=True, text=f"HTTP {answer.status}")
        except HTTPError as error:
            with error:
                return Seen(met=False, text=one_line(f"HTTP {error.code} {_reason(error.reason)}"))
        except URLError as error:
            return Seen(met=False, text=one_line(f"no answer ({_reason(error.reason)})"))
        except (OSError, HTTPException) as error:
            return Seen(met=False, text=one_line(f"no answer ({_reason(error)})"))


def _opener() -> "OpenerDirector":
    """Return what opens http and https and nothing else, whatever a redirect wants."""
    from urllib import request

    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPRedirectHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
        request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    opener.addheaders = [("User-Agent", f"outlast/{__version__}")]
    return opener


def _reason(reason: object) -> str:
    """Return what went wrong, in the system's words where it was the system."""
    strerror = getattr(reason, "strerror", None)
    return strerror or " ".join(str(reason).split()) or type(reason).__name__
