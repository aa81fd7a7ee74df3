//! Values from Vault: logging in, reading what the template asks for, and giving the token back.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Run;
use crate::error::{Failure, Problem, Stage, text};
use crate::files;
use crate::inputs::{Mode, VaultInputs, VaultMethod, Word as _};
use crate::secret::Secret;
use crate::values::vault as lines;
use crate::vault::{Address, IdentityRequest, Login, Settings, Tls, Vault, identity_token};

/// How long all requests together may take, retries included.
const DEADLINE: Duration = Duration::from_secs(90);
/// Where a pod finds its own token.
const POD_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

impl<O: Write, E: Write> Run<O, E> {
    /// What Vault has for the `asked` names.
    pub(super) async fn vault_values(&mut self, asked: &BTreeSet<String>) -> Result<BTreeMap<String, Secret>, Failure> {
        let inputs = std::mem::take(&mut self.inputs.vault);
        let wanted = lines::lookups(&inputs.secrets, asked);
        let found = if wanted.is_empty() {
            lines::Found::default()
        } else {
            // Boxed: otherwise the state of its requests would lie on the stack of commands that ask nothing of Vault.
            let vault = Box::pin(self.log_in_to_vault(&inputs, DEADLINE)).await;
            let vault = vault.map_err(|problem| Failure::new(Stage::Values, vec![problem]))?;
            let found = Box::pin(vault.read(wanted)).await;
            self.log_out().await;
            found
        };
        let (values, problems) = lines::resolve(&inputs.secrets, asked, &found);
        let (errors, notices): (Vec<Problem>, Vec<Problem>) = problems.into_iter().partition(Problem::is_error);
        // Nothing is printed before the masks are out.
        self.early.extend(notices);
        if errors.is_empty() { Ok(values) } else { Err(Failure::new(Stage::Values, errors)) }
    }

    /// Revokes our own token, on every way out.
    pub(super) async fn log_out(&mut self) {
        if let Some(vault) = self.vault.take() {
            Box::pin(vault.log_out()).await;
        }
    }

    /// A session that outlives this stage. Of the inputs only how many requests may be under way at once is kept.
    pub(super) async fn vault_of_inputs(&mut self, deadline: Duration) -> Result<Arc<Vault>, Failure> {
        let inputs = std::mem::take(&mut self.inputs.vault);
        let vault = self.log_in_to_vault(&inputs, deadline).await;
        self.inputs.vault.concurrency = inputs.concurrency;
        vault.map_err(|problem| Failure::new(Stage::Inputs, vec![problem]))
    }

    /// Logs in. All requests of the session together may take as long as `deadline`. The masks are not sent yet: the caller does
    /// that.
    async fn log_in_to_vault(&mut self, inputs: &VaultInputs, deadline: Duration) -> Result<Arc<Vault>, Problem> {
        let settings = Settings { deadline, ..self.settings(inputs)? };
        let login = self.login(inputs, &settings.tls).await?;
        let masker = self.masker.clone();
        let vault = Arc::new(Vault::log_in(settings, &login, |token| masker.add(token)).await?);
        self.vault = Some(Arc::clone(&vault));
        tokio::spawn(Vault::keep_renewed(Arc::downgrade(&vault)));
        Ok(vault)
    }

    fn settings(&mut self, inputs: &VaultInputs) -> Result<Settings, Problem> {
        let url = inputs.url.clone().or_else(|| self.of_command_line("VAULT_ADDR")).ok_or_else(|| {
            Problem::error("vault-url", "Vault is asked for, and `vault-url` is missing")
                .help("write `vault-url: https://vault.example.com:8200`")
        })?;
        let address = Address::parse(&url)?;
        if address.is_in_clear() {
            let text = text!("`{address}` is not encrypted: whoever is on the way reads token and values");
            self.early.push(Problem::warning("vault-in-clear", text).help("use `https`"));
        }
        if inputs.insecure {
            let text = "the certificate of Vault is not verified: whoever is on the way reads token and values";
            self.early.push(Problem::warning("vault-insecure", text).help("give the authority in `ca-bundle`"));
        }
        let namespace = inputs.namespace.clone().or_else(|| self.of_command_line("VAULT_NAMESPACE"));
        let ca_bundle = self.inputs.ca_bundle.clone().or_else(|| self.of_command_line("VAULT_CACERT"));
        let tls = Tls {
            ca_bundle: ca_bundle.map(|given| self.pem("ca-bundle", &given)).transpose()?.map(String::into_bytes),
            identity: self.identity(inputs)?,
            insecure: inputs.insecure,
        };
        Ok(Settings { address, namespace, tls, concurrency: inputs.concurrency, deadline: DEADLINE })
    }

    fn identity(&self, inputs: &VaultInputs) -> Result<Option<(Secret, Secret)>, Problem> {
        match (&inputs.client_certificate, &inputs.client_key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => {
                let certificate = Secret::new(self.pem("vault-client-certificate", certificate)?);
                let key = Secret::new(self.pem("vault-client-key", key.expose())?);
                self.masker.add(&key);
                Ok(Some((certificate, key)))
            }
            _ => {
                let text = "one of `vault-client-certificate` and `vault-client-key` is given without the other";
                Err(Problem::error("vault-client-certificate", text).help("give both"))
            }
        }
    }

    async fn login(&mut self, inputs: &VaultInputs, tls: &Tls) -> Result<Login, Problem> {
        let method = self.method(inputs)?;
        let mount = inputs.mount.clone().unwrap_or_else(|| method.word().to_owned());
        let needed = |secret: &Option<Secret>, input: &str| secret.clone().ok_or_else(|| missing(method, input));
        let login = match method {
            VaultMethod::Token => Login::Token(self.token(inputs).ok_or_else(|| missing(method, "vault-token"))?),
            VaultMethod::AppRole => Login::AppRole {
                mount,
                role_id: needed(&inputs.role_id, "vault-role-id")?,
                secret_id: inputs.secret_id.clone(),
            },
            VaultMethod::Jwt => {
                let jwt = match &inputs.jwt {
                    Some(jwt) => jwt.clone(),
                    None => self.github_token(inputs.audience.as_deref(), tls).await?,
                };
                Login::Jwt { mount, jwt, role: inputs.role.clone() }
            }
            VaultMethod::Kubernetes => Login::Kubernetes {
                mount,
                jwt: inputs.jwt.clone().map_or_else(pod_token, Ok)?,
                role: inputs.role.clone().ok_or_else(|| missing(method, "vault-role"))?,
            },
            VaultMethod::Userpass | VaultMethod::Ldap => Login::Password {
                mount,
                username: inputs.username.clone().ok_or_else(|| missing(method, "vault-username"))?,
                password: needed(&inputs.password, "vault-password")?,
            },
            VaultMethod::GitHub => Login::GitHub { mount, token: needed(&inputs.password, "vault-password")? },
            VaultMethod::Certificate if tls.identity.is_none() => {
                return Err(missing(method, "vault-client-certificate` and `vault-client-key"));
            }
            VaultMethod::Certificate => Login::Certificate { mount, role: inputs.role.clone() },
        };
        login.credentials().for_each(|credential| self.masker.add(credential));
        Ok(login)
    }

    /// The method: named, or the only one that the given credentials fit.
    fn method(&self, inputs: &VaultInputs) -> Result<VaultMethod, Problem> {
        if let Some(method) = inputs.method {
            return Ok(method);
        }
        let fitting = [
            (self.token(inputs).is_some(), VaultMethod::Token),
            (inputs.role_id.is_some(), VaultMethod::AppRole),
            (inputs.username.is_some(), VaultMethod::Userpass),
            (inputs.role.is_some() && self.context.identity.is_some(), VaultMethod::Jwt),
        ];
        let mut fitting = fitting.into_iter().filter(|(fits, _)| *fits).map(|(_, method)| method);
        match (fitting.next(), fitting.next()) {
            (Some(method), None) => Ok(method),
            _ => {
                let text = "it is not clear how to log in to Vault";
                Err(Problem::error("vault-method", text).help(
                    "write `vault-method: jwt` with `vault-role` and `permissions: id-token: write`, or `approle`, `token`, …",
                ))
            }
        }
    }

    fn token(&self, inputs: &VaultInputs) -> Option<Secret> {
        let of_file = || {
            let home = self.machine.home.as_ref().filter(|_| self.context.mode == Mode::CommandLine)?;
            files::read_text(&home.join(".vault-token")).ok()
        };
        let given = inputs.token.clone();
        given.or_else(|| {
            let token = self.of_command_line("VAULT_TOKEN").or_else(of_file)?;
            Some(Secret::new(token.trim())).filter(|token| !token.is_empty())
        })
    }

    async fn github_token(&self, audience: Option<&str>, tls: &Tls) -> Result<Secret, Problem> {
        let Some((url, token)) = self.context.identity.clone() else {
            let text = "this job has no OIDC token of GitHub to log in to Vault with";
            let help = "add `permissions: id-token: write` to the job, beside `contents: read`; pull requests of forks and Dependabot never get one; outside of Actions give `vault-jwt`";
            return Err(Problem::error("no-id-token", text).help(help));
        };
        self.masker.add(&token);
        identity_token(&IdentityRequest { url, token }, audience, tls).await
    }

    /// PEM text, or the file that holds it.
    pub(super) fn pem(&self, input: &str, given: &str) -> Result<String, Problem> {
        if given.contains("-----BEGIN") {
            return Ok(given.to_owned());
        }
        files::read_text(Path::new(given.trim())).map_err(|problem| {
            let text = text!("`{input}` is neither PEM text nor a file that can be read");
            Problem::error("no-pem", text).help(if self.is_shown_as_path(given) {
                problem.message
            } else {
                "give the PEM text as it is, from its `-----BEGIN` on and not in base64, or a path".into()
            })
        })
    }

    /// A variable that Vault's own tools read; not in the action, where only inputs count.
    pub(super) fn of_command_line(&self, name: &str) -> Option<String> {
        let value = self.environment.get(name).filter(|_| self.context.mode == Mode::CommandLine)?;
        value.to_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }
}

fn pod_token() -> Result<Secret, Problem> {
    let token = files::read_text(Path::new(POD_TOKEN)).map(|token| Secret::new(token.trim()));
    token.map_err(|_| {
        let text = "the method `kubernetes` needs a service account's token, and this is no pod with one";
        Problem::error("vault-login", text).help("give it as `vault-jwt`")
    })
}

fn missing(method: VaultMethod, input: &str) -> Problem {
    let text = text!("the method `{}` of Vault needs `{input}`", method.word());
    Problem::error("missing-input", text).help(text!("give `{input}`"))
}
