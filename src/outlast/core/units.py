"""What is written for the machine's service managers: a systemd unit, a line of a crontab, a property list of launchd. Pure texts.

All of them do the same at boot: `outlast supervisor start` for one home (docs/decisions/0010).
"""

from outlast.core.errors import UsageError

SYSTEMD, CRONTAB, LAUNCHD = KINDS = ("systemd", "crontab", "launchd")
OURS = "Written by `outlast service install`"  # whoever writes over a file looks for this first
_MARKER = "# outlast service: "
_REBOOT = "@reboot "

_UNIT = """\
# {ours}; `outlast service remove` takes it away again.
[Unit]
Description=Starts the outlast jobs that wait in {home} after a reboot
Documentation=man:outlast-service(1)

[Service]
# It wakes a supervisor and is done: one that lives already is as good, and it leaves when nothing is left to do.
Type=oneshot
RemainAfterExit=yes
ExecStart={command}
{restart}# Only the process of ExecStart, which is over, is ever ended with the unit. The default would end every process of its control
# group, that is the supervisor and all jobs, whenever the unit is stopped or restarted.
KillMode=process
# A job that runs out of memory is that job's end, not the end of all others.
OOMPolicy=continue
# The control groups below are left to outlast, so that jobs can have limits there.
Delegate=yes

[Install]
WantedBy=default.target
"""
_RESTART = """\
# The home may lie on a disk that comes later, or is full.
Restart=on-failure
RestartSec=1min
"""

_PROPERTY_LIST = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- {ours}; `outlast service remove` takes it away again. -->
<plist version="1.0">
<dict>
\t<key>Label</key>
\t<string>{label}</string>
\t<key>ProgramArguments</key>
\t<array>
{words}\t</array>
\t<key>RunAtLoad</key>
\t<true/>
\t<!-- The supervisor and its jobs go on when the process that woke it ends. -->
\t<key>AbandonProcessGroup</key>
\t<true/>
</dict>
</plist>
"""


def check_words(words: "list[str]") -> None:
    """Raise UsageError if a word cannot stand in every one of these files: control characters, bytes that are no text."""
    for word in words:
        if not word or any(letter < " " or letter == "\x7f" or "\ud800" <= letter <= "\udfff" for letter in word):
            shown = word.encode("utf-8", "backslashreplace").decode()
            raise UsageError(
                f"a service cannot be told of the path {shown!r}, which has control characters or bytes that are no UTF-8",
                "set OUTLAST_HOME to a directory with a plainer name",
            )


def unit(home: str, words: "list[str]", *, restart: bool) -> str:
    """Return the text of the user unit (systemd.service(5)). `restart`: try again if it fails, which systemd 244 and newer can."""
    return _UNIT.format(ours=OURS, home=_percent(home), command=_exec_line(words), restart=_RESTART if restart else "")


def _exec_line(words: "list[str]") -> str:
    """Return `words` for ExecStart. In the first one, the program, `$` stands for itself, and no quote or backslash may stand."""
    program, *rest = words if set(words[0]).isdisjoint("\"'\\") else ["/bin/sh", "-c", 'exec "$0" "$@"', *words]
    return " ".join([_quoted(program), *(_quoted(word.replace("$", "$$")) for word in rest)])


def _quoted(word: str) -> str:
    """Return `word` quoted as systemd.syntax(7) has it, with `%` as a specifier of itself."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_percent(escaped)}"'


def _percent(text: str) -> str:
    return text.replace("%", "%%")


def crontab_line(name: str, words: "list[str]") -> str:
    """Return the line, without its end, that does `words` at boot; `name` tells it from those of other homes (crontab(5))."""
    return f"{_REBOOT}{' '.join(map(_cron_word, words))} {_MARKER}{name}"


def _cron_word(word: str) -> str:
    r"""Return `word` quoted for the shell of cron, which first looks at the line itself.

    `\%` is a percent sign for those that end the command at one, and for the shell of those that do not. Crons differ about `\\`, so
    none is written.
    """
    if word and word.isascii() and all(letter.isalnum() or letter in "/._-=+:,@" for letter in word):
        return word
    spelled = {"%": r"'\%'", "'": r"'\''", "\\": r"\''"}
    return f"'{''.join(spelled.get(letter, letter) for letter in word)}'"


def is_line_of(line: bytes, name: str) -> bool:
    """Tell whether a line of a crontab is the one that `crontab_line` made for `name`."""
    return line.startswith(_REBOOT.encode()) and line.rstrip().endswith(f" {_MARKER}{name}".encode())


def with_line(table: bytes, name: str, line: str) -> bytes:
    """Return the crontab with `line` in place of the one of `name`, or at its end. All other bytes stay as they are."""
    wanted = line.encode() + b"\n"
    kept: list[bytes] = []
    for old in table.splitlines(keepends=True):
        if not is_line_of(old, name):
            kept.append(old)
        elif wanted not in kept:
            kept.append(wanted)
    if wanted not in kept:
        if kept and not kept[-1].endswith(b"\n"):
            kept[-1] += b"\n"
        kept.append(wanted)
    return b"".join(kept)


def without_line(table: bytes, name: str) -> bytes:
    """Return the crontab without the line of `name`. All other bytes stay as they are."""
    return b"".join(line for line in table.splitlines(keepends=True) if not is_line_of(line, name))


def property_list(label: str, words: "list[str]") -> str:
    """Return the property list of a launch agent (launchd.plist(5))."""
    return _PROPERTY_LIST.format(ours=OURS, label=_xml(label), words="".join(f"\t\t<string>{_xml(word)}</string>\n" for word in words))


def _xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
