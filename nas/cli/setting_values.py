"""Values of settings, as command lines spell them."""

import re

_WORDS = {"null": None, "true": True, "false": False}
_OTHERWISE_READ = {"yes", "no", "on", "off", "y", "n", "inf", "nan", "none", "~"}


def plain_value(text: str) -> tuple[object, bool]:
    """The value of a plain word or number, and whether it is such; a grammar reads all else."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()], True
    if re.fullmatch(r"-?(0|[1-9]\d*)", text):
        return int(text), True
    if re.fullmatch(r"-?\d+\.\d+", text):
        return float(text), True
    word = re.fullmatch(r"[A-Za-z_./~][\w./-]*", text, re.ASCII) is not None
    return text, word and text.lower() not in _OTHERWISE_READ
