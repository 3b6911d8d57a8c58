"""Database addresses."""

import pytest

from carrel.errors import BadInputError, FailedError
from carrel.stores.addresses import Kind, address_of, masked
from carrel.stores.database import DatabaseService

SECRET = "s3cr:et@/p%40ss"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////home/x/carrel.db", "/home/x/carrel.db"),
        ("sqlite:///rel/carrel.db", "rel/carrel.db"),
        ("sqlite:////a?b#c", "/a?b#c"),
    ],
)
def test_a_file_is_taken_as_it_stands(url: str, path: str) -> None:
    address = address_of(url)
    assert (address.kind, address.path, str(address)) == (Kind.SQLITE, path, path)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_goes_by_several_names(scheme: str) -> None:
    address = address_of(f"{scheme}://u@h:1/d")
    assert (address.kind, address.url) == (Kind.POSTGRESQL, "postgresql+psycopg://u@h:1/d")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "carrel.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "mysql://u:p@h/d",
        "postgresql+asyncpg://h/d",
        "postgresql:",
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(url: str) -> None:
    with pytest.raises(BadInputError) as caught:
        DatabaseService(url)
    assert caught.value.code == "bad_database_url"
    assert "sqlite:///FILE" in caught.value.cure


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"postgresql://u:{SECRET}@h/d", "postgresql://u:***@h/d"),
        (f"mysql://u:{SECRET}@h/d", "mysql://u:***@h/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        (
            "postgresql://h/d?user=u&password=hunter2&sslpassword=x",
            "postgresql://h/d?user=u&password=***&sslpassword=***",
        ),
        ("nonsense", "nonsense"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert masked(url) == shown
    if url.startswith("postgresql"):
        for text in (repr(address_of(url)), repr(DatabaseService(url)), str(address_of(url))):
            assert shown.partition("://")[2] in text
            assert "hunter2" not in text


def test_an_unreachable_server_is_named_without_its_password() -> None:
    pytest.importorskip("psycopg")
    db = DatabaseService("postgresql://someone:hunter2@127.0.0.1:1/carrel")
    with pytest.raises(FailedError) as caught, db.reading():
        pass
    assert caught.value.code == "database_unreachable"
    assert "127.0.0.1" in str(caught.value)
    chain = f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
    assert "hunter2" not in chain
