"""Long texts packed into a cell: a large plan says the same of thousands of workspaces."""

LONG = 8192
"""A shorter text stays as it is: a person who looks into the tables can read it."""

_MARK = "zlib:"
_LEVEL = 6


def packed(text: str) -> str:
    """Return a text in ASCII as it is stored: itself, unless it is long."""
    if len(text) < LONG:
        return text
    import binascii  # noqa: PLC0415 - only large plans need these, every command loads this file
    import zlib  # noqa: PLC0415 - as above

    squeezed = zlib.compress(text.encode("ascii"), _LEVEL)
    return _MARK + binascii.b2a_base64(squeezed, newline=False).decode("ascii")


def unpacked(cell: str) -> str:
    """Return the text that a cell stands for.

    Raises:
        ValueError: It was packed, and is not whole.
    """
    if not cell.startswith(_MARK):
        return cell
    import binascii  # noqa: PLC0415 - as above
    import zlib  # noqa: PLC0415 - as above

    try:
        squeezed = binascii.a2b_base64(cell[len(_MARK) :], strict_mode=True)
        return zlib.decompress(squeezed).decode("ascii")
    except zlib.error as error:
        raise ValueError(str(error)) from error
