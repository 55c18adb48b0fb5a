#!/usr/bin/env python3
"""Sends one signed event with the standard library alone.

The address, the key and the secret come from the environment: T4G_WEBHOOK_URL, T4G_API_KEY,
T4G_WEBHOOK_SECRET. The event comes from standard input; if that is empty, one is made up.
"""

import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid


def sample() -> bytes:
    event = {
        "id": f"python-{uuid.uuid4()}",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "source": "dazno",
        "event_type": "user.created",
        "user_id": "python",
        "email": "python@example.com",
    }
    return json.dumps(event, separators=(",", ":")).encode()


def main() -> int:
    try:
        url = os.environ["T4G_WEBHOOK_URL"]
        api_key = os.environ["T4G_API_KEY"]
        secret = os.environ["T4G_WEBHOOK_SECRET"]
    except KeyError as missing:
        print(f"{missing.args[0]} is not set", file=sys.stderr)
        return 2

    body = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
    body = body or sample()
    # [docs
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    request = urllib.request.Request(
        url,
        data=body,
        headers={
            "Content-Type": "application/json",
            "x-api-key": api_key,
            "x-t4g-signature": f"sha256={signature}",
        },
    )
    # docs]
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            status, answer = response.status, response.read()
    except urllib.error.HTTPError as refused:
        status, answer = refused.code, refused.read()
    except OSError as failure:
        print(f"{url}: {failure}", file=sys.stderr)
        return 2
    print(status)
    print(answer.decode())
    return 0 if 200 <= status < 300 else 1


if __name__ == "__main__":
    sys.exit(main())
