"""Uses one awaited client in several event loops, one after the other; prints how many sockets are open then.

A process of its own, as its descriptors are counted. Arguments: the endpoint, the loop, how it ends, how many of them.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress

from automl_cv_client import AsyncClient
from automl_cv_client._imaging.encoding import grey_png

TINY = grey_png(4)


def open_sockets() -> int:
    links = []
    for entry in os.scandir("/proc/self/fd"):
        with suppress(OSError):
            links.append(os.readlink(entry.path))
    return sum(link.startswith("socket:") for link in links)


def new_loop(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    if name == "uvloop":
        import uvloop

        made: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
        return made
    return asyncio.new_event_loop


def main(url: str, loop: str, ended: str, loops: int) -> None:
    client = AsyncClient(url, "k")

    async def both() -> None:
        await asyncio.gather(client.detect(TINY), client.detect(TINY))

    for _ in range(loops):
        if ended == "by a runner":
            with asyncio.Runner(loop_factory=new_loop(loop)) as runner:
                runner.run(both())
        else:
            made = new_loop(loop)()
            made.run_until_complete(both())
            made.close()
    print(open_sockets())


if __name__ == "__main__":
    gc.disable()  # nothing waits for it
    warnings.simplefilter("ignore", ResourceWarning)  # a loop that is closed by hand leaves its transports open
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
