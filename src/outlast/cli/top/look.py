"""How the screen looks: colours and rules in one place. All colours are the terminal's own, so that it fits light and dark ones."""

from rich.style import Style

CSS = """
* { scrollbar-size-vertical: 1; scrollbar-color: ansi_bright_black; scrollbar-background: ansi_default;
    scrollbar-color-hover: ansi_bright_black; scrollbar-color-active: ansi_default;
    scrollbar-background-hover: ansi_default; scrollbar-background-active: ansi_default; }
Screen { background: ansi_default; color: ansi_default; layers: base; }
#head { height: 1; }
#body { height: 1fr; layout: vertical; }
#upper { height: 1fr; min-height: 3; }
#lower { height: 1fr; min-height: 2; }
Heading, Tabs { height: 1; }
Table, Lines { height: 1fr; background: ansi_default; overflow-x: hidden; scrollbar-gutter: stable; }
#bar { height: auto; max-height: 6; }
#bar Static, #bar Input { height: auto; background: ansi_default; }
#bar Input { border: none; padding: 0; height: 1; width: 1fr; }
#bar Input:focus { border: none; }
#ask { layout: horizontal; height: auto; }
#label { width: auto; max-width: 60%; }
#body.beside { layout: horizontal; }
#body.beside #upper { width: 3fr; height: 1fr; }
#body.beside #lower { width: 2fr; height: 1fr; border-left: solid ansi_bright_black; padding-left: 1; }
#body.zoomed #upper, #body.listed #lower, .away { display: none; }
#body.zoomed #lower { border-left: none; padding-left: 0; }
"""

BESIDE = 150  # columns from which on the output stands beside the table

STYLES = {
    "": Style.null(),
    "red": Style(color="red"),
    "green": Style(color="green"),
    "yellow": Style(color="yellow"),
    "blue": Style(color="blue"),
    "cyan": Style(color="cyan"),
    "dim": Style(dim=True),
    "bold": Style(bold=True),
    "heading": Style(bold=True),
    "chosen": Style(reverse=True),  # the row, where the keys go to the table
    "kept": Style(bold=True),  # the row, while they go elsewhere
    "tab": Style(bold=True, reverse=True),
    "error": Style(color="red", bold=True),
}
