//! Values as nasty as they come, in a checkout and a namespace of their own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::cluster::{Namespace, bed};
use super::{Checkout, Ended, Run};

/// A Secret for [`Scene::template`].
pub const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: s{n}}\nstringData:\n  A: {v}\n  DSN: 'a {v} b'\n";
/// A ConfigMap for it.
pub const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c{n}}\ndata:\n  A: {v}\n";

const PEM: &str =
    "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49canary\nAgEGCCqGSM49AwEHBG0wawIBAQ\n-----END PRIVATE KEY-----\n";
const JSON: &str = "{\n  \"type\": \"service_account\",\n  \"private_key\": \"canary\\nkey-5f1e\",\n  \"universe\": \"canary.example.org\"\n}\n";

/// Those that no sink may show.
pub fn secret_values() -> Vec<String> {
    let mut values: Vec<String> = [
        PEM,
        JSON,
        "100%25 canary %0A %41 50%",
        "::error::canary ::stop-commands::x",
        "##[error]canary",
        "back\\slash\\n \\u0041 canary\\",
        "both \"quotes\" and 'quotes' canary",
        "\u{a0}nbsp\u{a0}::canary::\u{a0}",
        "line\u{2028}separator\u{2029}canary",
        "emoji 🔒👩‍👩‍👧 canary ❤️",
        "Y2FuYXJ5LWJhc2U2NC1sb29raW5n",
        "canary-inner-1234",
        "outer canary-inner-1234 outer",
        "p@ss/w:rd?#canary&x=1+2",
        "$(canary) `canary` ${CANARY} $CANARY",
        "<!-- canary --> | @octocat <b>&amp;",
        "{canary: [flow, 'yaml']}",
        "*canary &anchor !tag > |",
        "\ttabs\tand trailing canary \t",
        "two\nlines of canary text\n\nand a third\n",
        "crlf canary\r\nline two canary\r\n",
    ]
    .map(str::to_owned)
    .into();
    values.push("64KiB-canary-".repeat(5041));
    values
}

/// Those that are no secret by their looks; masks on them would spoil every line of the log.
const SIMPLE: [&str; 12] =
    ["true", "null", "a", "42", "x1", "8080", "prod", "debug", "error", "production", "refused", "password"];

/// Those that nobody is to hide, nor pieces of what the others are made of.
const TRIVIAL: [&str; 14] = [
    "true",
    "null",
    "8080",
    "prod",
    "debug",
    "error",
    "production",
    "{",
    "}",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "canary",
    "two",
    "\"type\": \"",
];

/// The values, a checkout and a namespace.
pub struct Scene {
    pub checkout: Checkout,
    pub namespace: Namespace,
    pub values: Vec<(String, String)>,
    /// The image that runs in place of the program.
    image: Option<&'static str>,
}

impl Scene {
    pub fn new() -> Self {
        let values = secret_values().into_iter().chain(SIMPLE.map(str::to_owned)).enumerate();
        let values = values.map(|(number, value)| (format!("V{number}"), value)).collect();
        Self { checkout: Checkout::empty(), namespace: Namespace::new(), values, image: None }
    }

    /// With `image` in place of the program.
    pub fn in_image(image: &'static str) -> Self {
        Self { image: Some(image), ..Self::new() }
    }

    /// One object for each value: `{n}` is its number, `{v}` its placeholder.
    pub fn template(&self, object: &str) {
        let object =
            |number: usize| object.replace("{n}", &number.to_string()).replace("{v}", &format!("${{V{number}}}"));
        let objects: Vec<String> = (0..self.values.len()).map(object).collect();
        self.checkout.write("t.yml", objects.join("---\n").as_bytes());
        self.checkout.write(".gitignore", b"*-patch.yml\n");
    }

    pub fn action(&self, command: &str) -> Run {
        let kubeconfig = fs::read_to_string(self.namespace.kubeconfig()).expect("a file");
        let inputs = [
            ("command", command),
            ("environment", "demo"),
            ("template", "t.yml"),
            ("output", "demo-secret-config-patch.yml"),
            ("overlay", "none"),
            ("kubeconfig", kubeconfig.as_str()),
        ];
        let values: Vec<(&str, &str)> =
            self.values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        // Words that are values too are shown: hiding them would tell what they are.
        let words: Vec<&str> = values[values.len() - SIMPLE.len()..].iter().map(|(name, _)| *name).collect();
        let run = self.checkout.action(&inputs).envs(&values).showing(&words);
        match self.image {
            None => run.env("PATH", &bed("PATH")),
            Some(image) => Run { program: self.container(image, &run).into(), ..run },
        }
    }

    /// What runs `image` on the checkout as it lies here, with the variables of `run`.
    fn container(&self, image: &str, run: &Run) -> String {
        let variables: String = run.environment.keys().map(|name| format!(" -e '{name}'")).collect();
        let script = format!(
            "#!/bin/sh\nexport PATH='{}' DOCKER_HOST='{}'\nexec docker run --rm --network host -v \"$PWD:$PWD\" -w \"$PWD\"{variables} {image}\n",
            bed("PATH"),
            bed("DOCKER_HOST")
        );
        let program = self.namespace.write("container", &script);
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
        program
    }

    /// Runs `command`, whose every sink is searched, and looks at what is left to read.
    #[track_caller]
    pub fn run(&self, command: &str) -> Ended {
        let run = self.action(command);
        let ended = run.run();
        let log = run.shown(&ended);
        let said = log.lines().filter(|line| !line.contains("TRACE") && !line.contains("DEBUG"));
        let masks = ended.stdout.lines().filter_map(|line| line.strip_prefix("::add-mask::"));
        let trivial: Vec<&str> = masks.filter(|mask| mask.len() < 4 || TRIVIAL.contains(mask)).collect();
        assert!(trivial.is_empty(), "{command} has the runner hide {trivial:?}");
        let stars: usize = said.map(|line| line.matches("***").count()).sum();
        assert!(stars <= 6 * self.values.len(), "{stars} times *** in the log of {command}");
        let sentence = [
            "Rendered demo",
            "Render of demo",
            "Applied demo",
            "Apply of demo",
            "Nothing to apply",
            "An apply of demo",
            "Diff of demo",
        ];
        assert!(sentence.iter().any(|words| log.contains(words)), "the log of {command} does not say how it ended");
        ended
    }

    /// `apply` and `diff` are refused, and say which objects are.
    #[track_caller]
    pub fn refuses(&self, object: &str, words: &[&str]) {
        self.template(object);
        for command in ["apply", "diff"] {
            let ended = self.run(command);
            assert_eq!(ended.code, Some(1), "{command} of {object}: {ended:?}");
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert!(
                words.iter().any(|word| said.contains(word)),
                "{command} of {object} says none of {words:?}: {ended:?}"
            );
        }
    }
}
