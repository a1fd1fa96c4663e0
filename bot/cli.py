"""The command line: `firstline <verb>`. Data goes to stdout, talk to stderr; exit 0 done, 1 refused, 2 wrong usage."""

from __future__ import annotations

import os
import sys

import typer

from bot.commands import ask, audit, data, evaluate, explain, knowledge, people, policy, releases, run
from bot.commands.common import talk
from bot.errors import BadSettings, FirstlineError
from bot.logs import configure_logs
from retrieval.errors import RetrievalError

app = typer.Typer(
    name="firstline",
    help="Firstline: the first line of your customer support. Start with `firstline up`, then `firstline doctor`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
for module in (run, knowledge, releases, people, explain, ask):
    module.register(app)
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(data.app, name="data")
app.add_typer(policy.app, name="policy")
app.add_typer(audit.app, name="audit")


def main() -> None:
    """Run the command line, turning our errors into a message and an exit status."""
    configure_logs()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # torch's idle threads would spin against all else that runs
    try:
        app()
    except BadSettings as error:
        talk(f"firstline: {error}")
        sys.exit(2)
    except (FirstlineError, RetrievalError) as error:
        talk(f"firstline: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
