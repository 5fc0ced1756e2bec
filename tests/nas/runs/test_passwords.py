"""No password of a URL is shown, however it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.runs.passwords import without_passwords


@pytest.mark.parametrize(
    "password",
    ["secret", "p@ss", "a/b", "a:b", "12345", "123/45", "with blank", "p%40ss", "'q'", '"q"',
     "?x=1", "#", "ü", "***", "a@b@c", "://", "5432", "a@ b", "$(x)", "\\"],
)  # fmt: skip
@pytest.mark.parametrize("user", ["user", "", "us.er-1"])
def test_a_password_is_covered(password: str, user: str) -> None:
    url = f"storage=postgresql+psycopg2://{user}:{password}@db.host:5432/name"
    covered = without_passwords(url)
    assert covered == f"storage=postgresql+psycopg2://{user}:***@db.host:5432/name"
    assert without_passwords(covered) == covered


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:///study.db",
        "postgresql://user@host:5432/name",
        "postgresql://host:5432/name",
        "http://127.0.0.1:8000/page, by mail to me@example.org",
        "data.path=~/pets run=a@b:c",
        "search.trials: expected an integer",
        "",
    ],
)
def test_text_without_a_password_stays(text: str) -> None:
    assert without_passwords(text) == text


def test_passwords_of_several_urls_and_of_queries_are_covered() -> None:
    text = "postgresql://a:one@h/x or mysql://b:two@h/y or postgresql://h/z?user=c&password=three"
    covered = without_passwords(text)
    assert not {word for word in ("one", "two", "three") if word in covered}
    assert covered.endswith("postgresql://h/z?user=c&password=***")


@given(st.text(st.characters(exclude_characters="\n@"), min_size=6))
def test_whatever_stands_before_the_host_is_covered(password: str) -> None:
    assert password not in without_passwords(f"postgresql://me:{password}@host/name")


def test_every_kind_of_password_in_a_query_is_covered() -> None:
    text = "postgresql://h/x?user=a&sslpassword=one&auth_token=two"
    assert without_passwords(text) == "postgresql://h/x?user=a&sslpassword=***&auth_token=***"
