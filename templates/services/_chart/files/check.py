"""Asks a URL, or a Prometheus for a number, whether a release is good. It needs Python 3.8 and nothing else.

CHECK_URL     what has to answer with 2xx; or, with a query, the Prometheus
CHECK_QUERY   a PromQL query; each number of its answer is compared
CHECK_BELOW   what each has to be less than
CHECK_ABOVE   what each has to be more than
CHECK_AFTER   seconds to wait first, for a rate to have something to count
CHECK_WITHIN  seconds in which something has to answer
"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


def asked(address):
    """The body of an answer with 2xx; the reason why there is none ends it once the time is over."""
    end = time.monotonic() + float(os.environ.get("CHECK_WITHIN") or 30)
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.read()
        except (OSError, ValueError) as error:
            if time.monotonic() >= end:
                sys.exit(f"{address}: {error}")
        time.sleep(1)


def numbers(document):
    """The numbers of an answer of Prometheus' query API: of a vector, or one scalar."""
    data = document["data"]
    points = [data["result"]] if data["resultType"] == "scalar" else [item["value"] for item in data["result"]]
    return [float(value) for _, value in points]


def main():
    time.sleep(float(os.environ.get("CHECK_AFTER") or 0))
    url, query = os.environ["CHECK_URL"], os.environ.get("CHECK_QUERY")
    if not query:
        asked(url)
        print(f"{url} answers")
        return
    found = asked(f"{url.rstrip('/')}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
    try:
        values = numbers(json.loads(found))
    except (ValueError, KeyError, TypeError) as error:
        sys.exit(f"{url}: not an answer of Prometheus: {error!r}")
    if not values:
        sys.exit(f"{query}: no data; add `or vector(0)` where none is good")
    below, above = os.environ.get("CHECK_BELOW"), os.environ.get("CHECK_ABOVE")
    for value in values:
        # NaN is neither less nor more than anything, so it is not a good answer.
        if (below and not value < float(below)) or (above and not value > float(above)):
            bounds = [f"below {below}" if below else "", f"above {above}" if above else ""]
            sys.exit(f"{query}: {value:g}, and must be {' and '.join(filter(None, bounds))}")
    print(f"{query}: {', '.join(f'{value:g}' for value in values)}")


main()
