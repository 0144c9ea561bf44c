//! The mapping against Python's `protobuf` package (`json_format`), both ways: random messages of every
//! type of ours, and of types with every kind of field. `compare.py` makes them and checks the results.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use agora::json::{self, Schema, Unknown};

use super::kinds;

/// The exit status of `scripts/tools` if something cannot be installed on this machine.
const UNAVAILABLE: i32 = 77;
const MESSAGES: usize = 100_000;

#[test]
fn random_messages_of_every_type_have_the_json_of_another_implementation() {
    let Some(python) = python() else { return };
    let folder = env::temp_dir().join(format!("agora-json-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let protoset = kinds::protoset();
    fs::write(folder.join("protoset"), &protoset).unwrap();
    let chosen = env::var("AGORA_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = chosen.unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed}: AGORA_SEED={seed} makes the same messages");
    run(&python, &["make", path(&folder), &seed.to_string(), &MESSAGES.to_string()]);
    let schema = Schema::read(Box::leak(protoset.into_boxed_slice())).unwrap();
    let results = results(&schema, &fs::read(folder.join("messages")).unwrap());
    fs::write(folder.join("results"), results).unwrap();
    run(&python, &["check", path(&folder)]);
    fs::remove_dir_all(&folder).unwrap();
}

/// Both conversions of each record: name, message, JSON.
fn results(schema: &Schema, mut records: &[u8]) -> Vec<u8> {
    let (mut results, mut count) = (Vec::new(), 0);
    while !records.is_empty() {
        let name = std::str::from_utf8(take(&mut records)).unwrap();
        let (message, text) = (take(&mut records), take(&mut records));
        let id = schema.message(name).expect(name);
        let (mut json, mut binary) = (Vec::new(), Vec::new());
        let limit = 1 << 24;
        json::to_json(schema, id, message, limit, &mut json)
            .unwrap_or_else(|error| panic!("{name} {message:?}: {error}"));
        json::from_json(schema, id, text, Unknown::Refused, limit, &mut binary)
            .unwrap_or_else(|error| panic!("{name} {}: {error}", String::from_utf8_lossy(text)));
        for part in [json, binary] {
            results.extend_from_slice(&u32::try_from(part.len()).unwrap().to_be_bytes());
            results.extend_from_slice(&part);
        }
        count += 1;
    }
    assert_eq!(count, MESSAGES);
    results
}

/// Takes a part with its length in four bytes.
fn take<'a>(records: &mut &'a [u8]) -> &'a [u8] {
    let (length, rest) = records.split_first_chunk().unwrap();
    let (part, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
    *records = rest;
    part
}

/// Python with the package, by `scripts/tools`; `None` if it cannot be had on this machine.
fn python() -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tools = Command::new(root.join("scripts/tools")).arg("python").output().unwrap();
    if tools.status.code() == Some(UNAVAILABLE) {
        assert!(env::var_os("CI").is_none(), "Python must be there");
        println!("skipped: {}", String::from_utf8_lossy(&tools.stderr));
        return None;
    }
    assert!(tools.status.success(), "{}", String::from_utf8_lossy(&tools.stderr));
    Some(format!("{}/python", String::from_utf8(tools.stdout).unwrap().trim_end()))
}

fn run(python: &str, arguments: &[&str]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/test/json/compare.py");
    let output = Command::new(python).args(["-B", script]).args(arguments).output().unwrap();
    let words = [output.stdout, output.stderr].concat();
    let words = String::from_utf8_lossy(&words);
    print!("{words}");
    assert!(output.status.success(), "{words}");
}

fn path(folder: &Path) -> &str {
    folder.to_str().unwrap()
}
