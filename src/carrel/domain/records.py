"""Dataclasses that load quickly.

For each frozen dataclass Python writes and compiles seven methods whenever its module is loaded:
a third of the time of a short command. Here all but `__init__` are shared functions, and that is
written when the first value is made. Nothing else differs from the standard one with
`slots=True`, frozen or not, and type checkers see just that.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from carrel.domain.making import dataclass

__all__ = ["dataclass"]
