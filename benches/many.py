"""Writes a layout with COUNT Secrets of five keys each: many.py COUNT DIRECTORY. One Secret takes MANY_ONE, the others MANY_VALUE."""

import pathlib
import sys

count, root = int(sys.argv[1]), pathlib.Path(sys.argv[2])
for directory in ("config", "apps/base", "apps/overlays/many"):
    (root / directory).mkdir(parents=True, exist_ok=True)


def secrets(value):
    for number in range(count):
        name = "MANY_ONE" if number == 0 else "MANY_VALUE"
        keys = "".join(f'  key-{key}: "{value(name)}-{number}-{key}"\n' for key in range(5))
        yield f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: many-{number}\nstringData:\n{keys}"


def write(path, text):
    (root / path).write_text(text, encoding="utf-8")


write("config/many-config-secret.example.yml", "---\n".join(secrets(lambda name: f"${{{name}}}")))
write("apps/base/secrets.yml", "---\n".join(secrets(lambda name: f"${{{name}}}")))
write("apps/base/kustomization.yml", "resources: [secrets.yml]\n")
write(
    "apps/overlays/many/kustomization.yml",
    "namespace: many\nresources: [../../base]\npatches:\n- path: ../../../config/many-secret-config-patch.yml\n",
)
