"""Where a deployment is: an address without a secret, checked before anything is sent."""

from urllib.parse import urlsplit

from carrel.errors import BadInputError

_CURE = "Set CODER_URL, or `url` under [coder] in carrel.toml, such as 'https://coder.example.com'."


def checked_address(url: str) -> str:
    """Return the address as requests use it: scheme, host and port, no slash at the end.

    Raises:
        BadInputError: `bad_coder_url`.
    """
    if not url:
        raise BadInputError("bad_coder_url", "No Coder deployment is named.", cure=_CURE)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad("the Coder address", "It is no address.") from None
    if "@" in parts.netloc:  # never repeated: it may hold a password
        raise _bad("the Coder address", "It holds a login; a token belongs into a variable.")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise _bad(repr(url), "It must begin with http:// or https://, and name a host.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _bad(repr(f"{parts.scheme}://{parts.netloc}{parts.path}"), "It has more than a host.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"


def _bad(what: str, why: str) -> BadInputError:
    return BadInputError("bad_coder_url", f"{what} can't be used.", why=why, cure=_CURE)
