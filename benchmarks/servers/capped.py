"""tests/capped.py in a process of its own; run by measuring.CappedEndpoint. Commands on standard input.

``cap N`` changes the cap; ``count T`` prints answers of status 200 and 429 since T on the monotonic clock;
``answers 0`` prints all of them, as JSON.
"""

from __future__ import annotations

import json
import sys

from tests.capped import capped


def main() -> None:
    with capped(cap=int(sys.argv[1]), service=float(sys.argv[2])) as server:
        print(server.url, flush=True)
        for line in sys.stdin:
            word, number = line.split()
            if word == "cap":
                server.cap = int(number)
            elif word == "answers":
                print(json.dumps(server.answers), flush=True)
            else:
                found = server.statuses(float(number))
                print(found[200], found[429], flush=True)


if __name__ == "__main__":
    main()
