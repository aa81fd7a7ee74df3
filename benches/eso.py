#!/usr/bin/env python3
"""What benches/eso.sh needs: Secrets as a person makes them, and the time and the memory of one program."""

import base64
import json
import os
import subprocess
import sys
import time


def secrets(namespace, count):
    """COUNT Secrets of five keys, as a List."""
    def value(number, key):
        return base64.b64encode(f"value-{number}-{key}-{'x' * 40}".encode()).decode()

    items = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"app-{number:04}", "namespace": namespace},
            "data": {f"KEY_{key}": value(number, key) for key in range(5)},
        }
        for number in range(count)
    ]
    print(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


def store(name, server, authority):
    """A ClusterSecretStore of the bed's Vault, whose token is in the Secret of its name in `default`."""
    with open(authority, "rb") as file:
        bundle = base64.b64encode(file.read()).decode()
    token = {"name": name, "namespace": "default", "key": "token"}
    vault = {"server": server, "path": "secret", "version": "v2", "caBundle": bundle, "auth": {"tokenSecretRef": token}}
    print(json.dumps({
        "apiVersion": "external-secrets.io/v1",
        "kind": "ClusterSecretStore",
        "metadata": {"name": name},
        "spec": {"provider": {"vault": vault}},
    }))


def measure(command):
    """Seconds, and the most KiB that the program itself held, without its children."""
    most, began = 0, time.monotonic()
    with open(os.devnull, "w") as nowhere:
        child = subprocess.Popen(command, stdout=nowhere)
        while child.poll() is None:
            try:
                with open(f"/proc/{child.pid}/status") as status:
                    lines = [line for line in status if line.startswith("VmHWM:")]
                most = max([most] + [int(line.split()[1]) for line in lines])
            except FileNotFoundError:
                pass
            time.sleep(0.005)
    print(f"{time.monotonic() - began:.3f} {most}")
    sys.exit(child.returncode)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["secrets", namespace, count]:
            secrets(namespace, int(count))
        case ["store", name, server, authority]:
            store(name, server, authority)
        case ["measure", *command]:
            measure(command)
        case _:
            sys.exit("usage: eso.py secrets NAMESPACE COUNT | store NAME SERVER AUTHORITY | measure COMMAND…")
