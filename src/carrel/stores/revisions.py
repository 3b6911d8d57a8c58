"""The revisions of the database's schema that this program knows, oldest first.

Kept apart from the migrations so that opening a database needs no Alembic; a test compares.
"""

KNOWN = ("0001", "0002", "0003", "0004")

HEAD = KNOWN[-1]

VERSION_TABLE = "carrel_version"
"""Not Alembic's usual name: an application may keep its own migrations in the same database."""
