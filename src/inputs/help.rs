//! What `--help` says beside the flags.

pub(super) const ABOUT: &str = "Deploy Kubernetes manifests with ${VAR} placeholders without leaking a secret";

pub(super) const EXAMPLES: &str = "\
Examples:
  # fill the template of `staging` from the environment
  secret-patch render staging

  # look at it, with values from a dotenv file
  secret-patch render staging --env-file demo.env -o - --show-values

  # do template, overlays and workflows agree?
  secret-patch check

  # what would an apply do?
  secret-patch diff staging

  # what does this branch change, without a cluster? ../base is a checkout of the merge base
  secret-patch diff staging --base ../base

  # values from sops, without a prompt
  secret-patch apply prod --env-file <(sops -d prod.env) --yes

  # who owns which Secret, and what would move to Vault?
  secret-patch eso inventory
  secret-patch eso plan --prefix team

Credentials and values as JSON are better given by environment than by flag,
because every process can see arguments: SECRET_PATCH_KUBE_TOKEN,
SECRET_PATCH_KUBECONFIG, SECRET_PATCH_GITHUB_TOKEN, SECRET_PATCH_SECRETS,
SECRET_PATCH_VARS.
List items are separated by spaces, commas or line breaks, and their flags may be
repeated; put a path with spaces in quotes of its own: --template \"'my app.yml'\".

Exit codes: 0 done, 1 failed, 2 wrong call, 130 or 143 stopped by SIGINT or SIGTERM;
`diff --exit-code` as `kubectl diff`.";
