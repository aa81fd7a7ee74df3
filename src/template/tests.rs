use std::collections::BTreeSet;

use super::*;
use crate::patch::Entry;
use crate::values::{Rules, Sources, collect};

fn values(pairs: &[(&str, &str)]) -> Values {
    let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    let asked: BTreeSet<String> = pairs.iter().map(|(name, _)| (*name).to_owned()).collect();
    let rules = Rules { prefer: vec![], nonsensitive: ["PUBLIC".to_owned()].into() };
    collect(&asked, &asked, &Sources { environment, ..Sources::default() }, &rules).expect("values")
}

fn fill(template: &str, pairs: &[(&str, &str)]) -> Result<Filled, Vec<Problem>> {
    let rules = FillRules { keep: vec!["DS_*".to_owned()], allow_empty: vec![] };
    Template::parse([("t.yml", template)])?.fill(&values(pairs), &rules, StandIns::Make)
}

fn text(template: &str, pairs: &[(&str, &str)]) -> String {
    fill(template, pairs).expect("filled").text.expose().to_owned()
}

fn kinds(template: &str, pairs: &[(&str, &str)]) -> Vec<&'static str> {
    fill(template, pairs).expect_err("refused").into_iter().map(|problem| problem.kind).collect()
}

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n";

#[test]
fn only_placeholders_change() {
    let template = "# ${COMMENT} stays\r\na: ${A} # tail\r\nb: [x, \"y ${A}\"]\r\nc: |  # head\r\n  l ${A}\r\n\r\n  # ${A}\r\nd: &x '${A}'\r\ne: *x";
    let filled = "# ${COMMENT} stays\r\na: \"v: #\" # tail\r\nb: [x, \"y v: #\"]\r\nc: |  # head\r\n  l v: #\r\n\r\n  # v: #\r\nd: &x \"v: #\"\r\ne: *x";
    assert_eq!(text(template, &[("A", "v: #")]), filled);
}

#[test]
fn data_is_always_text_and_other_plain_scalars_may_be_typed() {
    let template = format!("{SECRET}  A: ${{A}}\nspec:\n  replicas: ${{A}}\n  image: ${{A}}\n");
    assert_eq!(
        text(&template, &[("A", "3")]),
        template.replace("A: ${A}", "A: \"3\"").replace("s: ${A}", "s: 3").replace("image: ${A}", "image: \"3\"")
    );
    assert_eq!(text("x: ${A}\n", &[("A", "yes")]), "x: \"yes\"\n");
}

#[test]
fn block_scalars_stay_blocks_where_the_value_fits() {
    assert_eq!(text("a: |\n  x ${A}\n  y\n", &[("A", "1\n2")]), "a: |\n  x 1\n  2\n  y\n");
    assert_eq!(text("a: |-\n  ${A}\nb: 1\n", &[("A", " lead")]), "a: \" lead\"\nb: 1\n");
    assert_eq!(text("a: |  # c\n  ${A}\n\nb: 1\n", &[("A", "x\n")]), "a: \"x\\n\\n\" # c\n\nb: 1\n");
    assert_eq!(text("a: >\n  x ${A}\n  y\n", &[("A", "v")]), "a: >\n  x v\n  y\n");
    assert_eq!(text("a: >\n  x ${A}\n  y\n", &[("A", "v w")]), "a: \"x v w y\\n\"\n");
    assert_eq!(text("a: |\n  x ${A}", &[("A", "v")]), "a: |\n  x v");
}

#[test]
fn escapes_and_foreign_forms_and_kept_placeholders_stay() {
    let template = "a: $${A} ${x%y} ${DS_X} ${A}\nb: ${DS_Y}\n";
    assert_eq!(text(template, &[("A", "v")]), "a: \"${A} ${x%y} ${DS_X} v\"\nb: ${DS_Y}\n");
    let notices = fill(template, &[("A", "v")]).expect("filled").notices;
    assert_eq!(notices.iter().map(|notice| notice.kind).collect::<Vec<_>>(), ["foreign-form"]);
}

#[test]
fn all_missing_names_come_at_once_with_the_lines_to_add() {
    let problems = fill("a: ${A}\nb: x ${B} ${C:?say why}\nc: ${E}\n", &[("E", "")]).expect_err("missing");
    let places: Vec<String> =
        problems.iter().filter_map(|problem| problem.place.as_ref().map(ToString::to_string)).collect();
    assert_eq!(places, ["t.yml:1:4", "t.yml:2:6", "t.yml:2:11", "t.yml:3:4"]);
    let help = problems.last().and_then(|problem| problem.help.clone()).unwrap_or_default();
    assert!(help.contains("    A: ${{ secrets.A }}\n    B: ${{ secrets.B }}\n    C:"), "{help}");
}

#[test]
fn names_that_are_not_ours_to_fill_are_refused() {
    assert_eq!(kinds("a: ${GITHUB_TOKEN}\n", &[("GITHUB_TOKEN", "x")]), ["reserved-name"]);
    assert_eq!(kinds("a: $A\n", &[("A", "x")]), ["bare-name"]);
    assert!(fill("a: $HOME $USER $NOPE $1\n", &[("HOME", "/"), ("USER", "u")]).is_ok());
}

#[test]
fn a_secret_value_never_becomes_a_key_and_keys_stay_unique() {
    assert_eq!(kinds("${A}: x\n", &[("A", "v")]), ["secret-in-key"]);
    assert_eq!(kinds("k: &k ${A}\nm: {*k : x}\n", &[("A", "v")]), ["secret-in-key"]);
    assert_eq!(text("${PUBLIC}-x: y\n", &[("PUBLIC", "v")]), "\"v-x\": y\n");
    assert_eq!(kinds("${PUBLIC}: y\nb: z\n", &[("PUBLIC", "b")]), ["duplicate-key"]);
}

#[test]
fn base64_fields_must_be_base64_once_filled() {
    let template = "kind: Secret\nmetadata: {name: s}\ndata:\n  A: ${A}\n";
    assert_eq!(kinds(template, &[("A", "not base64")]), ["not-base64"]);
    assert!(text(&template.replace("${A}", "${A@base64}"), &[("A", "x")]).contains("A: \"eA==\""));
}

#[test]
fn structures_are_kept_or_refused_with_the_encoding_to_use() {
    let docker = "a: '{\"auths\":{\"r\":{\"password\":\"${A}\"}}}'\n";
    assert_eq!(kinds(docker, &[("A", "\"")]), ["broken-structure"]);
    assert_eq!(
        text(&docker.replace("${A}", "${A@json}"), &[("A", "\"")]),
        r#"a: "{\"auths\":{\"r\":{\"password\":\"\\\"\"}}}""#.to_owned() + "\n"
    );
    let problems = fill("a: postgres://u:${A}@h/db\n", &[("A", "p@ss")]).expect_err("refused");
    assert_eq!(
        problems[0].help.as_deref(),
        Some("write `${A@uri}`: it encodes the value for that place; or let one value hold all of it")
    );
    assert_eq!(text("a: postgres://u:${A@uri}@h/db\n", &[("A", "p@ss")]), "a: \"postgres://u:p%40ss@h/db\"\n");
    assert_eq!(kinds("app.yml: |\n  p: ${A}\n", &[("A", "no")]), ["broken-structure"]);
    assert_eq!(text("app.yml: |\n  p: ${A@json}\n", &[("A", "no")]), "app.yml: |\n  p: \"no\"\n");
    assert!(fill("nginx.conf: |\n  p ${A};\n", &[("A", "\" : #")]).is_ok());
}

#[test]
fn objects_carry_entries_nulls_and_directives() {
    let template = format!(
        "{SECRET}  A: ${{A}}\n  L: literal\n  N: ~\n  $patch: replace\n---\nkind: Deployment\nmetadata: {{name: d}}\nspec: {{replicas: ${{R}}, x: y}}\n"
    );
    let template = template.replace("{replicas: ${R}, x: y}", "{replicas: \"${R}\", x: y}");
    let objects = fill(&template, &[("A", "v"), ("R", "2")]).expect("filled").objects;
    assert_eq!(objects[0].entries.iter().map(Entry::key).collect::<Vec<_>>(), ["A", "L", "$patch"]);
    assert_eq!(objects[0].nulls[0].0, "N");
    assert_eq!(objects[0].directives[0].0, "$patch");
    assert_eq!(objects[1].entries[0].dotted_path().to_string(), "spec.replicas");
    assert_eq!(objects[1].entries[0].names, ["R"]);
}

#[test]
fn a_secrets_value_in_a_config_map_is_warned_of_and_defaults_in_secrets_are_told() {
    let template = format!(
        "{SECRET}  A: ${{A}}\n  B: ${{B:-d}}\n---\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{X: \"x ${{A}}\"}}\n"
    );
    let filled = fill(&template, &[("A", "v")]).expect("filled");
    assert_eq!(filled.notices.iter().map(|notice| notice.kind).collect::<Vec<_>>(), ["stored-in-clear"]);
    assert_eq!(filled.defaults_in_secrets.iter().map(|asked| asked.name.as_str()).collect::<Vec<_>>(), ["B"]);
}

#[test]
fn several_files_become_documents() {
    let rules = FillRules::default();
    let template = Template::parse([("a.yml", "a: ${A}"), ("b.json", "{\"b\": \"${A}\"}\n"), ("c.yml", "---\nc: 1\n")])
        .expect("read");
    let filled = template.fill(&values(&[("A", "v")]), &rules, StandIns::None).expect("filled");
    assert_eq!(filled.text.expose(), "a: \"v\"\n---\n{\"b\": \"v\"}\n---\nc: 1\n");
}

#[test]
fn kustomize_gets_a_word_for_each_value_of_a_secret_or_config_map() {
    let template = format!("{SECRET}  A: x ${{A}} # c\n  B: |\n    ${{A}}\nspec: {{a: \"${{A}}\"}}\n");
    let filled = fill(&template, &[("A", "v\u{85}")]).expect("filled");
    let [first, second] = filled.for_build.stand_ins.as_slice() else { panic!("two stand-ins") };
    assert_eq!((first.1.expose(), second.1.expose()), ("x v\u{85}", "v\u{85}\n"));
    let expected = format!("{SECRET}  A: \"{}\" # c\n  B: \"{}\"\nspec: {{a: \"v\\u0085\"}}\n", first.0, second.0);
    assert_eq!(filled.for_build.text.expose(), expected);
}

#[test]
fn a_value_that_names_an_object_is_told() {
    let template =
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${APP}-x\n  namespace: ${PUBLIC}\nstringData:\n  A: ${APP}\n";
    let filled = fill(template, &[("APP", "hunter2"), ("PUBLIC", "n")]).expect("filled");
    let told: Vec<(&str, Option<usize>)> =
        filled.notices.iter().map(|notice| (notice.kind, notice.place.as_ref().map(|place| place.line))).collect();
    assert_eq!(told, [("value-in-name", Some(4))]);
    assert!(filled.notices[0].message.contains("`APP`"));
}
