"""The process that serves the page beside a run: `python -m nas.cli.page_process SETTINGS`.

It says its address, or why it has none, as a line of JSON, and ends with its standard input. What
draws pages is loaded once somebody asks for one: a page that nobody opens costs a few megabytes.
"""

import json
import select
import signal
import sys
from pathlib import Path

from nas.dashboard.server.addresses import Access, address, bound
from search_spaces.errors import UserError


def main() -> None:
    """Serve until standard input ends."""
    # Ctrl-C and SIGTERM are for the run, which ends this process when it has ended itself.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    asked = json.loads(sys.argv[1])
    access = Access.at(asked["host"])
    try:
        listening = bound(asked["host"], asked["port"])
    except UserError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    except OSError as error:
        print(json.dumps({"error": f"{error.filename}: {error.strerror}"}), flush=True)
        return
    port = listening.getsockname()[1]
    print(json.dumps({"address": address(asked["host"], port, access)}), flush=True)
    ready, _, _ = select.select([listening, sys.stdin], [], [])
    if sys.stdin in ready:
        return
    from nas.dashboard.server.http import PageServer, Site, serving
    from nas.dashboard.server.live_page import of_run
    from scaling_search.rule.compound import COMPOUND

    page = of_run(Path(asked["run"]), COMPOUND)
    with serving(PageServer(listening, Site({"/": page}, access))):
        sys.stdin.read()


if __name__ == "__main__":
    main()
