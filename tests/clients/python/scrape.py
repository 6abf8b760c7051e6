"""Reads metrics from a URL with the parsers of Prometheus's own Python client and prints them as JSON.

usage: scrape.py openmetrics|prometheus URL

Prints {"families": {NAME: TYPE}, "samples": [[NAME, LABELS, VALUE]...]}. Exits with 1 where the
text is not of its format: the parser of OpenMetrics is strict.
"""
import json
import sys
from urllib.request import Request, urlopen

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

FORMATS = {
    "openmetrics": ("application/openmetrics-text; version=1.0.0", openmetrics),
    "prometheus": ("text/plain; version=0.0.4", prometheus),
}


def main() -> None:
    accept, parse = FORMATS[sys.argv[1]]
    with urlopen(Request(sys.argv[2], headers={"Accept": accept}), timeout=20) as response:
        if not response.headers["Content-Type"].startswith(accept):
            sys.exit(f"wrong content type: {response.headers['Content-Type']}")
        text = response.read().decode()
    families = list(parse(text))
    samples = [[sample.name, sample.labels, sample.value] for family in families for sample in family.samples]
    print(json.dumps({"families": {family.name: family.type for family in families}, "samples": samples}))


if __name__ == "__main__":
    main()
