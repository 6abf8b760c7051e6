"""Counts lines per `region` comment, without blank lines and without lines that hold only a comment (doc comments and
docstrings count: they are what clients read)."""
import re, pathlib, collections
here = pathlib.Path(__file__).parent
files = {"Wharf": "wharf/src/lib.rs", "rmcp": "peers/rmcp/src/main.rs",
         "tower-mcp": "peers/tower-mcp/src/main.rs", "FastMCP": "fastmcp/server.py"}
counts = {name: collections.Counter() for name in files}
for name, path in files.items():
    region = None
    for line in (here / path).read_text().splitlines():
        text = line.strip()
        if found := re.match(r"(?://|#) region: (.+)", text):
            region = found[1]
        elif re.match(r"(//|#) endregion", text):
            region = None
        elif region and text and not re.match(r"//(?!/)|# ", text):
            counts[name][region] += 1
order = list(counts["Wharf"])
print("| | " + " | ".join(files) + " |\n|---|" + "--:|" * len(files))
for region in order[1:] + order[:1]:
    print(f"| {region} | " + " | ".join(str(counts[n][region]) for n in files) + " |")
print("| all | " + " | ".join(str(sum(counts[n].values())) for n in files) + " |")
