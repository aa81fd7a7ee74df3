"""Vault for benches/vault.sh: vault.py write|template|lines|read COUNT. VAULT_ADDR and VAULT_TOKEN say where and who."""

import json
import os
import sys
import urllib.request


def ask(path, body=None):
    request = urllib.request.Request(
        f"{os.environ['VAULT_ADDR']}/v1/{path}",
        data=body and json.dumps(body).encode(),
        headers={"X-Vault-Token": os.environ["VAULT_TOKEN"]},
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"{}")


what, numbers = sys.argv[1], range(int(sys.argv[2]))
if what == "write":
    for number in numbers:
        ask(f"secret/data/bench/{number}", {"data": {"key": f"value-of-{number}"}})
elif what == "template":
    print("apiVersion: v1\nkind: Secret\nmetadata:\n  name: bench\nstringData:")
    print(*(f"  key-{number}: ${{KEY_{number}}}" for number in numbers), sep="\n")
elif what == "lines":
    print(*(f"secret/data/bench/{number} key | KEY_{number} ;" for number in numbers), sep="\n")
elif what == "read":
    for number in numbers:
        ask(f"secret/data/bench/{number}")
