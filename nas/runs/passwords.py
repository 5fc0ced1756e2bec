"""Text that goes to terminals, logs and records, without the passwords of URLs in it."""

import re

# No host begins with a blank: such an @ is the password's.
_IN_TOKEN = r"(://[^\s:/@]*:)\S*@(?:\s\S*@)*"
# A password may hold blanks, until they are quoted; a port, which has no @ after it, is none.
_WITH_BLANKS = r"(://[^\s:/@]*:)(?!\d{1,5}(?:\W|$))(?!\*\*\*@)[^@\n]*@"
_IN_QUERY = r"(?i)([?&](?:\w*password|passwd|pwd|\w*token)=)[^&\s'\"]*"


def without_passwords(text: str) -> str:
    """The text with `***` for every password in a URL: `postgresql://user:***@host/name`.

    A password that should have been percent-encoded and was not (with @, /, : or a blank in it) is
    covered too; where in doubt, more is covered than was secret.
    """
    if "://" not in text:
        return text
    for pattern in (_IN_TOKEN, _WITH_BLANKS):
        text = re.sub(pattern, r"\1***@", text)
    return re.sub(_IN_QUERY, r"\1***", text)
