//! The test vectors that the runner's own sources state: `HostContextL0`, `ActionCommandL0`, `ActionCommandManagerL0`,
//! `SetOutputFileCommandL0`, `CreateStepSummaryCommandL0` of actions/runner.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secret_patch_runner::*;

#[test]
fn the_masker_hides_what_host_context_says() {
    let mut masker = Masker::default();
    for value in [
        "Password123!",
        "Pass\"word\"123!",
        "Pass word 123!",
        "Pass<word>123!",
        "Pass'word'123!",
        "\"Password123!!\"",
        "\"short\"",
    ] {
        masker.add(value);
    }
    for (text, masked) in [
        ("123Password123!123", "123***123"),
        ("password123", "password123"),
        ("123Pass\\\"word\\\"123!123", "123***123"),
        ("123Pass%20word%20123%21123", "123***123"),
        ("123Pass&lt;word&gt;123!123", "123***123"),
        ("123Pass''word''123!123", "123***123"),
        ("123Password123!!123", "123***123"),
        ("123short123", "123short123"),
        ("123\"short\"123", "123***123"),
    ] {
        assert_eq!(masker.mask(text), masked, "{text}");
    }
    for (prefix, masked) in [
        (":", "OlBh***"),
        ("a:", "YTpQ***"),
        ("ab:", "YWI6***"),
        ("abc:", "YWJjOlBh***"),
        ("abcd:", "YWJjZDpQ***"),
        ("abcde:", "YWJjZGU6***"),
    ] {
        assert_eq!(masker.mask(&STANDARD.encode(format!("{prefix}Password123!"))), masked, "{prefix}");
    }
}

#[test]
fn the_masker_hides_the_pieces_that_powershell_prints() {
    for (secret, text, masked) in [
        ("secret&secret&secret", "secret&secret&3[96msecret3[0m", "***3[96m***3[0m"),
        ("secret&secret+secret", "secret&3[96msecret+secret3[0m", "***3[96m***3[0m"),
        ("secret+secret&secret", "secret+secret&3[96msecret3[0m", "***3[96m***3[0m"),
        ("secret&secret&+secretsecret", "secret&secret&+3[96ms3[0mecretsecret", "***3[96ms3[0m***"),
        ("secret&+secret&secret", "secret&+3[96ms3[0mecret&secret", "***3[96ms3[0m***"),
        ("secret&+secret&+secret", "secret&+3[96ms3[0mecret&+secret", "***3[96ms3[0m***"),
        ("secret&+secret&secret&+secret", "secret&+3[96ms3[0mecret&secret&+secret", "***3[96ms3[0m***"),
        ("secret&secret&+", "secret&secret&+3[96m3[0m", "***3[96m3[0m"),
    ] {
        let mut masker = Masker::default();
        masker.add(secret);
        assert_eq!(masker.mask(text), masked, "{secret}");
    }
}

#[test]
fn commands_of_v1_are_read_as_action_command_says() {
    for (line, properties, data) in [
        ("##[do-something k1=v1;]msg", &[("k1", "v1")][..], "msg"),
        ("##[do-something]", &[], ""),
        ("##[do-something k1=%3B=%0D=%0A=%5D;]%3B-%0D-%0A-%5D", &[("k1", ";=\r=\n=]")], ";-\r-\n-]"),
        (
            "##[do-something k1=%253B=%250D=%250A=%255D;]%253B-%250D-%250A-%255D",
            &[("k1", "%3B=%0D=%0A=%5D")],
            "%3B-%0D-%0A-%5D",
        ),
        ("##[do-something k1=;k2=;]", &[], ""),
        (">>>   ##[do-something k1=v1;]msg", &[("k1", "v1")], "msg"),
    ] {
        assert_eq!(parse_v1(line, &registered()), Some(command(properties, data)), "{line}");
    }
}

#[test]
fn commands_of_v2_are_read_as_action_command_says() {
    for (line, properties, data) in [
        ("::do-something k1=v1,::msg", &[("k1", "v1")][..], "msg"),
        ("::do-something::", &[], ""),
        ("::do-something k1=;=%2C=%0D=%0A=]=%3A,::;-%0D-%0A-]-:-,", &[("k1", ";=,=\r=\n=]=:")], ";-\r-\n-]-:-,"),
        (
            "::do-something k1=;=%252C=%250D=%250A=]=%253A,::;-%250D-%250A-]-:-,",
            &[("k1", ";=%2C=%0D=%0A=]=%3A")],
            ";-%0D-%0A-]-:-,",
        ),
        ("::do-something k1=,k2=,::", &[], ""),
        ("::do-something k1=v1::", &[("k1", "v1")], ""),
        ("   ::do-something k1=v1,::msg", &[("k1", "v1")], "msg"),
    ] {
        assert_eq!(parse_v2(line, &registered()), Some(command(properties, data)), "{line}");
    }
    assert_eq!(parse_v2("   >>>   ::do-something k1=v1,::msg", &registered()), None);
}

fn registered() -> Registered {
    Registered::of(&["do-something"])
}

fn command(properties: &[(&str, &str)], data: &str) -> Command {
    let properties = properties.iter().copied().collect();
    Command { name: "do-something".to_owned(), properties, data: data.to_owned() }
}

#[test]
fn a_valid_stop_token_stops_resumes_and_is_masked_for_good() {
    for lines in [
        "##[stop-commands]stopToken\n##[set-env name=foo]bar\n##[stopToken]\n",
        "::stop-commands::stopToken\n##[set-env name=foo]bar\n::STOPtoken::\n",
    ] {
        let mut job = Job::new();
        let stopped = job.step("a").run(lines.as_bytes(), b"");
        assert!(!stopped.failed, "stopped: {stopped:?}");
        assert_eq!(stopped.log[1], "##[set-env name=foo]bar");
        assert_eq!(job.masker().mask("stopToken"), "***");
        let resumed = job.step("b").run(format!("{lines}##[set-env name=foo]bar\n").as_bytes(), b"");
        assert!(resumed.failed && !resumed.cut_off);
    }
}

#[test]
fn a_stop_token_that_is_a_command_or_empty_is_refused_unless_allowed() {
    for token in ["stop-commands", "", "set-env", "Pause-Logging"] {
        let line = format!("::stop-commands::{token}\n::debug::x\nlost\n");
        let refused = Job::new().step("a").run(line.as_bytes(), b"");
        assert!(refused.failed && refused.cut_off && refused.log.len() == 1, "{token}: {refused:?}");
        for allowed in ["1", "true"] {
            let mut job = Job::new().with_env("ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS", allowed);
            assert!(!job.step("a").run(line.as_bytes(), b"").failed, "{token}");
        }
    }
}

#[test]
fn echo_is_on_or_off_in_any_case_and_else_fails() {
    let echoed = |command: &str| {
        let printed = format!("{command}\n::set-output name=a::b\n");
        let done = Job::new().step("a").run(printed.as_bytes(), b"");
        (done.failed, done.log.contains(&"::set-output name=a::b".to_owned()))
    };
    assert_eq!(echoed("::echo::on"), (false, true));
    assert_eq!(echoed("::echo::on\n::echo::Off   "), (false, false));
    assert_eq!(echoed("::echo::ON"), (false, true));
    assert_eq!(echoed("::echo::invalid"), (true, false));
    assert_eq!(echoed("::echo::"), (true, false));
    let debugged = Job::new().with_step_debug().step("a").run(b"::echo::off\n::set-output name=a::b\n", b"");
    assert_eq!(debugged.log[0], "::echo::off");
    assert!(!debugged.log.contains(&"::set-output name=a::b".to_owned()));
}

#[test]
fn positions_that_do_not_fit_are_completed_or_dropped() {
    for (given, left) in [
        ("line=1,endLine=2,col=1,endColumn=2", "line=1,endLine=2"),
        ("col=1,endColumn=2", ""),
        ("endLine=1", "endLine=1,line=1"),
        ("line=1,endColumn=2", "line=1,endColumn=2,col=2"),
        ("line=,endLine=3", "endLine=3,line=3"),
        ("line=4,endLine=3", ""),
        ("line=1,endLine=1,col=3,endColumn=2", "line=1,endLine=1"),
        ("line=1,endLine=1,col=1,endColumn=2", "line=1,endLine=1,col=1,endColumn=2"),
        ("line=1,col=1,file=test.txt", "line=1,col=1,file=test.txt"),
    ] {
        let done = Job::new().step("a").run(format!("::warning {given}::this is a warning\n").as_bytes(), b"");
        let pairs: Vec<String> =
            done.annotations[0].properties.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(pairs.join(","), left, "{given}");
    }
}

#[test]
fn a_matcher_file_is_sought_on_the_machine() {
    let done = Job::new().step("a").run(b"::add-matcher::/github/workspace/m.json\n##[add-matcher]n.json\n", b"");
    assert_eq!(done.matchers, ["/home/runner/work/app/app/m.json", "/home/runner/work/app/app/n.json"]);
}

#[test]
fn each_line_of_a_mask_is_hidden_and_blanks_are_not() {
    let mut job = Job::new();
    let done = job.step("a").run(b"::add-mask::abc%0Ddef%0Aghi%0D%0Ajkl\n::add-mask:: %0D  %0A   %0D%0A    %0D\n", b"");
    for text in ["abc", "def", "ghi", "jkl", "abc\rdef\nghi\r\njkl"] {
        assert_eq!(job.masker().mask(text), "***");
    }
    for text in ["", " ", "  ", "   ", "    "] {
        assert_eq!(job.masker().mask(text), text);
    }
    assert_eq!(done.masks, ["abc\rdef\nghi\r\njkl", "abc", "def", "ghi", "jkl"]);
    assert_eq!(done.warnings, ["Can't add secret mask for empty string in ##[add-mask] command."]);
}

#[test]
fn outputs_are_read_as_set_output_file_command_says() {
    for (text, outputs) in [
        ("", &[][..]),
        ("MY_OUTPUT=MY VALUE", &[("MY_OUTPUT", "MY VALUE")]),
        (
            "\nMY_OUTPUT=my value\n\nMY_OUTPUT_2=my second value\n",
            &[("MY_OUTPUT", "my value"), ("MY_OUTPUT_2", "my second value")],
        ),
        ("MY_OUTPUT=", &[("MY_OUTPUT", "")]),
        ("A==abc\nB=def=ghi\nC=jkl=", &[("A", "=abc"), ("B", "def=ghi"), ("C", "jkl=")]),
        ("A<<EOF\nline one\nline two\nline three\nEOF", &[("A", "line one\nline two\nline three")]),
        ("A<<EOF\nEOF", &[("A", "")]),
        ("\nA<<EOF\nhello\nworld\nEOF\n\nB<<EOF\nHELLO\nAGAIN\nEOF\n", &[("A", "hello\nworld"), ("B", "HELLO\nAGAIN")]),
        (
            "A<<=EOF\nhello\none\n=EOF\nB<<<EOF\nhello\ntwo\n<EOF\nC<<EOF\nhello\n\nthree\n\nEOF\nD<<EOF\nhello=four\nEOF\nE<<EOF\n EOF\nEOF",
            &[("A", "hello\none"), ("B", "hello\ntwo"), ("C", "hello\n\nthree\n"), ("D", "hello=four"), ("E", " EOF")],
        ),
    ] {
        let output = format!("\u{feff}{text}").into_bytes();
        let done = Job::new().step("a").files(Files { output, ..Files::default() }).run(b"", b"");
        let expected = outputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!((done.failed, done.outputs), (false, expected), "{text}");
    }
    let output = b"MY_OUTPUT<<EOF line one line two line three EOF".to_vec();
    let done = Job::new().step("a").files(Files { output, ..Files::default() }).run(b"", b"");
    assert!(done.failed && done.errors[1].contains("Matching delimiter not found"));
}

#[test]
fn a_summary_is_shown_up_to_its_limit() {
    let summary =
        |bytes: Vec<u8>| Job::new().step("a").files(Files { summary: bytes, ..Files::default() }).run(b"", b"");
    assert_eq!(summary(Vec::new()).summary, Summary::None);
    assert_eq!(summary("\u{feff}# This\n\n## is".into()).summary, Summary::Shown("# This\n\n## is\n".to_owned()));
    let large = summary(vec![0; SUMMARY_LIMIT + 1]);
    assert_eq!((large.summary, large.annotations.len(), large.failed), (Summary::Dropped, 1, false));
    assert_eq!(summary(vec![b'x'; SUMMARY_LIMIT]).errors, [""; 0]);
}
