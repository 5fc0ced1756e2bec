"""Text that goes to terminals, logs and records, without the passwords of URLs in it."""

import re

# No host begins with a blank: such an @ is the password's.
_IN_TOKEN = re.compile(r"(://[^\s:/@]*:)\S*@(?:\s\S*@)*")
# A password may hold blanks, until they are quoted; a port, which has no @ after it, is none.
_WITH_BLANKS = re.compile(r"(://[^\s:/@]*:)(?!\d{1,5}(?:\W|$))(?!\*\*\*@)[^@\n]*@")
_IN_QUERY = re.compile(r"([?&](?:password|passwd|pwd|token)=)[^&\s'\"]*", re.IGNORECASE)


def without_passwords(text: str) -> str:
    """The text with `***` for every password in a URL: `postgresql://user:***@host/name`.

    A password that should have been percent-encoded and was not (with @, /, : or a blank in it) is
    covered too; where in doubt, more is covered than was secret.
    """
    for pattern, cover in (
        (_IN_TOKEN, r"\1***@"),
        (_WITH_BLANKS, r"\1***@"),
        (_IN_QUERY, r"\1***"),
    ):
        text = pattern.sub(cover, text)
    return text
