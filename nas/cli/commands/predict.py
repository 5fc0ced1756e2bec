"""`nas-search predict`: what a trained network names on images, as a table."""

from nas.verbs.config import Config
from nas.verbs.outputs import file_to_write
from nas.verbs.predict import predicted, say_failed, write


def main(config: Config) -> None:
    """Write the table of predictions and print its beginning.

    Raises UserError, with the table written, where no image could be classified.
    """
    out = file_to_write("out", config["out"])
    rows = predicted(config)
    print(write(out, rows))
    say_failed(out, rows)
