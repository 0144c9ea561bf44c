//! Each rule, broken in a sample: a rule that catches nothing guards nothing.

use super::rules::{self, Source, check};
use super::source;

const LIB: &str = "//! Modules.\npub mod pb;\npub mod call;\npub mod hpack;\npub mod grpc;\n\
                   pub mod rpc;\npub mod market;\npub mod cli;\n\n#[cfg(test)]\npub mod seed;\n";

/// What is found in a file with this text, as `line: what`.
fn found(file: &str, text: &str) -> Vec<String> {
    let findings = check(&Source::read(file, text, false), &rules::modules(LIB));
    findings.iter().map(|finding| format!("{}: {}", finding.line, finding.what)).collect()
}

fn assert_clean(file: &str, text: &str) {
    assert_eq!(found(file, text), [""; 0], "{file}:\n{text}");
}

/// Exactly one finding, in this line, with these words in it.
fn assert_caught(file: &str, text: &str, line: usize, words: &str) {
    let found = found(file, text);
    assert_eq!(found.len(), 1, "{file}: {found:?}\n{text}");
    assert!(found[0].starts_with(&format!("{line}: ")), "{found:?}");
    assert!(found[0].contains(words), "{found:?}");
}

#[test]
fn the_rooms_are_those_of_lib_rs_in_its_order() {
    assert_eq!(rules::modules(LIB), ["pb", "call", "hpack", "grpc", "rpc", "market", "cli"]);
    assert_eq!(rules::modules_without_a_kind(&["pb".into(), "attic".into()]), ["attic"]);
}

#[test]
fn an_import_from_below_is_caught_however_it_is_written() {
    assert_clean("src/grpc/mod.rs", "use crate::{call::Code, hpack::{Decoder, Encoder}};\n");
    assert_clean("src/hpack/table.rs", "use super::Decoder;\nuse crate::hpack::Encoder;\n");
    let below = "imports `grpc`, which stands below it";
    assert_caught("src/hpack/mod.rs", "\nuse crate::grpc::Call;\n", 2, below);
    assert_caught("src/hpack/mod.rs", "use crate::{\n    call,\n    grpc,\n};\n", 3, below);
    assert_caught("src/hpack/mod.rs", "use super::grpc;\n", 1, below);
    assert_caught("src/hpack/table.rs", "use super::super::grpc;\n", 1, below);
    assert_caught("src/hpack/mod.rs", "mod inner {\n    use super::super::grpc;\n}\n", 2, below);
    assert_caught("src/hpack/mod.rs", "fn f() {\n    crate::grpc::start();\n}\n", 2, below);
    assert_caught(
        "src/hpack/mod.rs",
        "#[cfg(test)]\nmod tests {\n use crate::grpc::A;\n}\n",
        3,
        below,
    );
}

#[test]
fn what_is_no_room_is_caught() {
    assert_caught("src/attic/mod.rs", "\n", 1, "`attic` is no module");
    assert_caught("src/stray.rs", "\n", 1, "only lib.rs and main.rs");
    assert_caught("src/rpc/mod.rs", "use crate::attic::Box;\n", 1, "`crate::attic` is no module");
    assert_clean("src/rpc/mod.rs", "#[cfg(test)]\nmod tests {\n    use crate::seed::Seed;\n}\n");
}

#[test]
fn the_market_does_not_see_the_protocols() {
    assert_clean("src/market/service.rs", "use crate::{call::Status, rpc::Server};\n");
    assert_caught("src/market/service.rs", "use crate::grpc::X;\n", 1, "must not see `grpc`");
}

#[test]
fn only_wire_rs_sees_the_messages() {
    assert_clean("src/market/wire.rs", "use crate::pb::market;\nuse quick_protobuf::Writer;\n");
    assert_caught("src/market/state.rs", "use crate::pb::market;\n", 1, "wire.rs");
    assert_caught("src/market/state.rs", "use quick_protobuf::Writer;\n", 1, "quick_protobuf");
}

#[test]
fn the_world_is_caught_in_a_pure_room() {
    for world in [
        "use std::fs;",
        "use std::net::TcpStream;",
        "use std::{collections::BTreeMap, thread};",
        "use std::time::{Duration, Instant};",
        "use std::time::SystemTime;",
        "fn f() { std::env::var(NAME); }",
        "fn f(now: Instant) {}",
        "use log::warn;",
        "fn f() { log::warn!(); }",
        "fn f() { println!(); }",
        "use std::collections::hash_map::RandomState;",
        "fn f() { let seen = HashMap::new(); }",
    ] {
        assert_caught("src/hpack/mod.rs", world, 1, "in pure module `hpack`");
        assert_caught("src/market/state.rs", world, 1, "in pure module `market`");
        assert_clean("src/rpc/server.rs", world);
        assert_clean("src/market/service.rs", world);
        assert_clean("src/hpack/mod.rs", &format!("#[cfg(test)]\nmod tests {{ {world} }}\n"));
        assert_clean("src/hpack/mod.rs", &format!("// {world}\nconst A: &str = r#\"{world}\"#;\n"));
    }
    assert_clean("src/hpack/mod.rs", "use std::net::SocketAddr;\nuse std::time::Duration;\n");
    assert_clean("src/hpack/mod.rs", "fn f(log: &Log) { log.push(1); log::Entry::new(); }\n");
}

#[test]
fn one_file_knows_mio() {
    assert_clean("src/rpc/reactor.rs", "use mio::Poll;\n");
    assert_caught("src/rpc/server.rs", "use mio::Poll;\n", 1, "only src/rpc/reactor.rs");
}

#[test]
fn a_panic_outside_tests_is_caught() {
    for line in ["x.unwrap();", "x.expect(\"a\");", "panic!(\"a\");", "todo!()", "unimplemented!()"]
    {
        let text = format!("\nfn f() {{ {line} }}\n");
        assert_caught("src/rpc/server.rs", &text, 2, "outside tests");
        assert_clean("src/rpc/server.rs", &format!("#[cfg(test)]\nmod tests {{ {text} }}\n"));
        assert_clean("src/rpc/server.rs", &format!("/// ```\n/// {line}\n/// ```\nfn f() {{}}\n"));
    }
    assert_clean("src/rpc/server.rs", "fn f() { x.unwrap_or(1); x.expect_none(); }\n");
}

#[test]
fn code_after_a_test_module_is_still_judged() {
    let text = "#[cfg(test)]\nuse a::{b, c};\n#[cfg(test)]\nmod tests { fn f() {} }\nfn g() { x.unwrap() }\n";
    assert_caught("src/rpc/server.rs", text, 5, "outside tests");
}

#[test]
fn a_file_of_tests_is_known_by_its_declaration() {
    let head = Source::read("src/hpack/mod.rs", "#[cfg(test)]\nmod tests;\nmod table;\n", false);
    assert_eq!(head.test_files(), ["src/hpack/tests.rs", "src/hpack/tests/"]);
    let table = Source::read("src/hpack/table.rs", "#[cfg(test)]\nmod story;\n", false);
    assert_eq!(table.test_files(), ["src/hpack/table/story.rs", "src/hpack/table/story/"]);
    let tests = Source::read("src/hpack/tests.rs", "fn f() { x.unwrap(); std::fs::read(); }", true);
    assert_eq!(check(&tests, &rules::modules(LIB)), []);
}

#[test]
fn a_look_up_by_the_c_library_is_caught() {
    for line in [
        "use std::net::ToSocketAddrs;",
        "use std::net::{SocketAddr, ToSocketAddrs};",
        "fn f() { \"a:1\".to_socket_addrs(); }",
        "fn f() { TcpStream::connect(\"a:1\"); }",
        "fn f() { std::net::TcpStream::connect(address); }",
        "fn f() { TcpListener::bind(address); }",
        "fn f() { UdpSocket::bind(address); }",
    ] {
        assert_caught("src/rpc/server.rs", line, 1, "looks names up by the C library");
        assert_caught("src/cli/mod.rs", line, 1, "looks names up by the C library");
        assert_clean("src/rpc/server.rs", &format!("#[cfg(test)]\nmod tests {{ {line} }}\n"));
    }
    assert_clean("src/rpc/dial.rs", "fn f() { TcpStream::connect_timeout(&address, left); }");
    assert_clean("src/rpc/reactor.rs", "fn f() { TcpStream::connect(address); }");
    assert_caught("src/rpc/reactor.rs", "fn f() { UdpSocket::bind(address); }", 1, "UdpSocket");
}

#[test]
fn a_file_that_is_made_without_the_checks_is_caught() {
    for line in [
        "use std::fs::OpenOptions;",
        "use std::fs::{self, File, OpenOptions};",
        "fn f() { File::create(path); }",
        "fn f() { std::fs::File::create_new(path); }",
        "fn f() { fs::OpenOptions::new(); }",
        "fn f() { fs::write(path, text); }",
        "use std::fs::create_dir_all;",
        "fn f() { std::fs::create_dir(path); }",
    ] {
        assert_caught("src/rpc/server.rs", line, 1, "checks no modes and links");
        assert_caught("src/cli/kv.rs", line, 1, "checks no modes and links");
        assert_clean("src/cli/cert/folder.rs", line);
        assert_clean("src/rpc/server.rs", &format!("#[cfg(test)]\nmod tests {{ {line} }}\n"));
    }
    assert_clean(
        "src/rpc/server.rs",
        "fn f() { PendingFile::create(path); files::create_dir(p); }",
    );
    assert_clean("src/rpc/server.rs", "use std::fs::{self, File};\nfn f() { File::open(path); }");
    assert_clean("src/cli/output.rs", "fn f() { File::options(); }");
    assert_caught("src/cli/output.rs", "fn f() { File::create(p); }", 1, "File::create");
}

#[test]
fn unsafe_and_changing_statics_are_caught() {
    assert_caught("src/rpc/server.rs", "fn f() { unsafe { g() } }\n", 1, "`unsafe`");
    let state = "static SEEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());\n";
    assert_caught("src/rpc/server.rs", state, 1, "give it an owner");
    assert_clean(
        "src/rpc/server.rs",
        "static TABLE: [u8; 2] = [1, 2];\nfn f() -> &'static str {}\n",
    );
}

#[test]
fn a_name_that_says_nothing_is_caught() {
    assert_caught("src/rpc/string_utils.rs", "\n", 1, "`utils`");
    assert_caught("src/rpc/mod.rs", "\nmod helpers;\n", 2, "`helpers`");
    assert!(rules::file_name("test/interop/common.py").is_some());
    assert!(rules::file_name("test/interop/commons_trader.py").is_none());
}

#[test]
fn a_long_file_is_caught() {
    assert!(rules::length("src/a.rs", &"\n".repeat(rules::LONGEST)).is_none());
    assert!(rules::length("src/a.rs", &"\n".repeat(rules::LONGEST + 1)).is_some());
    assert_caught("src/rpc/mod.rs", &"\n".repeat(rules::LONGEST + 1), 601, "split it by role");
}

#[test]
fn a_path_of_one_machine_is_caught() {
    let home = ["see /ho", "me/ada/agora"].concat();
    let found = rules::machine_paths("README.md", &format!("\n{home}\n"));
    assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2]);
    let relative = ["a/ho", "me/b and frame", "wo", "rk/"].concat();
    assert_eq!(rules::machine_paths("README.md", &relative), []);
}

#[test]
fn comments_and_literals_are_blanked_and_lines_stay() {
    let text =
        "a /* b /* c */ d\n */ e \"f\\\" // g\nh\" i 'j' '\\'' k: &'l r##\"m\"# n\"## o // p\nq";
    let code = source::code_only(text);
    let words: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(words, ["a", "e", "i", "k:", "&'l", "o", "q"]);
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn a_test_that_sleeps_is_caught() {
    let text = "fn a() {\n    std::thread::sleep(x);\n    thread::sleep(y); // thread::sleep\n}\n";
    let lines: Vec<usize> = rules::sleeps("test/a.rs", text).iter().map(|f| f.line).collect();
    assert_eq!(lines, [2, 3]);
}
