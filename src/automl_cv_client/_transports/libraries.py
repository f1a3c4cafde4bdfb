"""The HTTP library that sends where the user gives no client: httpx with httpcore, or httpx2 with httpcore2.

httpx is what the package declares. httpx2, its successor with the same names, serves where httpx is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpcore
    import httpx
else:
    try:
        import httpcore
        import httpx
    except ImportError:
        import httpcore2 as httpcore
        import httpx2 as httpx

__all__ = ["httpcore", "httpx"]
