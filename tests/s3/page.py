"""The snippets of docs/s3.md, so that a test runs what people are told to type."""
import os
import re

from s3_cluster import base

PAGE = os.path.join(base.ROOT, "docs", "s3.md")


def snippets():
    """Client -> its scripts, in the order of the page."""
    with open(PAGE, encoding="utf-8") as file:
        sections = re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", file.read(), re.MULTILINE | re.DOTALL)
    return {client: re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
            for client, text in sections}
