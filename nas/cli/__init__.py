"""`nas-search`: the verbs, their help, and what a mistake looks like."""

from nas.cli.entry import main
from nas.cli.verbs import VERBS, Verb

__all__ = ["VERBS", "Verb", "main"]
