//! OpenBao in a bed: everybody who should can log in, by every method, in both namespaces.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

/// Prints `namespace role method value verdict`: what the token of a log-in reads, and whether it may write.
const LOG_IN: &str = r#"
set -euo pipefail
cd "$BED_DIR/vault"
export VAULT_CACERT=$PWD/ca.crt
bao kv put -mount=secret app KEY=one >/dev/null
VAULT_NAMESPACE=team bao kv put -mount=secret app KEY=two >/dev/null
for place in . team; do
  [ $place = . ] || export VAULT_NAMESPACE=$place
  for role in reader writer; do
    for method in token approle userpass jwt kubernetes cert; do
      token=$(
        unset VAULT_TOKEN
        case $method in
          token) cat $place/token/$role ;;
          approle) bao write -field=token auth/approle/login role_id=@$place/approle/$role.role-id secret_id=@$place/approle/$role.secret-id ;;
          userpass) bao write -field=token auth/userpass/login/$role password=@$place/userpass/$role ;;
          jwt | kubernetes) bao write -field=token auth/$method/login role=$role jwt=@$place/$method/$role ;;
          cert) VAULT_ADDR=$BED_VAULT_TLS_ADDR VAULT_CLIENT_CERT=$place/cert/$role.crt VAULT_CLIENT_KEY=$place/cert/$role.key \
            bao write -field=token auth/cert/login name=$role ;;
        esac
      )
      read=$(VAULT_TOKEN=$token bao kv get -mount=secret -field=KEY app)
      verdict=$(VAULT_TOKEN=$token bao kv put -mount=secret $method KEY=x >/dev/null 2>&1 && echo writes || echo reads)
      echo "$place $role $method $read $verdict"
    done
  done
done
"#;

const TOKENS_OF_JOBS: &str = r#"
set -euo pipefail
bao kv put -mount=kv1 app KEY=three >/dev/null
token=$(bao write -field=token auth/jwt/login role=reader jwt="$("$BED" jwt ref=refs/tags/v1 sub=any)")
echo "read $(VAULT_TOKEN=$token bao kv get -mount=kv1 -field=KEY app)"
for claim in repository=other/name exp=1000 'aud="x"' iss=null; do
  if bao write auth/jwt/login role=reader jwt="$("$BED" jwt "$claim")" >/dev/null 2>&1; then echo "accepts $claim"; else echo "refuses $claim"; fi
done
if VAULT_ADDR=$BED_VAULT_TLS_ADDR bao status >/dev/null 2>&1; then echo trusted; else echo "the authority is unknown to the system"; fi
"#;

#[test]
fn every_auth_method_gives_a_reader_and_a_writer_in_both_namespaces() {
    let said = support::run("vault", LOG_IN);
    let mut expected = Vec::new();
    for (place, value) in [(".", "one"), ("team", "two")] {
        for (role, verdict) in [("reader", "reads"), ("writer", "writes")] {
            for method in ["token", "approle", "userpass", "jwt", "kubernetes", "cert"] {
                expected.push(format!("{place} {role} {method} {value} {verdict}"));
            }
        }
    }
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_jobs_token_is_accepted_by_its_claims_alone() {
    let expected = [
        "read three",
        "refuses repository=other/name",
        "refuses exp=1000",
        r#"refuses aud="x""#,
        "refuses iss=null",
        "the authority is unknown to the system",
    ];
    assert_eq!(support::run("vault", TOKENS_OF_JOBS).lines().collect::<Vec<_>>(), expected);
}
