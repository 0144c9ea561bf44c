//! `--help` prints help and does nothing else; unknown flags and words are wrong usage.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::{TempDir, root, run, script};

/// All executable files in `scripts/`.
fn programs() -> Vec<String> {
    let entries = fs::read_dir(root().join("scripts")).unwrap().map(|entry| entry.unwrap());
    let can_run = |entry: &fs::DirEntry| {
        let metadata = entry.metadata().unwrap();
        metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
    };
    entries.filter(can_run).map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// Sets a PATH whose programs for building and installing only create a file `mark`.
fn marking(temp_dir: &TempDir, command: &mut Command) {
    for name in ["cargo", "apt-get", "npm", "pip"] {
        temp_dir.program(name, "#!/bin/sh\ntouch \"$(dirname \"$0\")/mark\"\nexit 1\n");
    }
    let path = format!("{}:{}", temp_dir.0.display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("CARGO_TARGET_DIR", temp_dir.0.join("target"));
    command.env_remove("AGORA").env("AGORA_CLUSTER", temp_dir.0.join("cluster"));
}

#[test]
fn help_is_printed_and_nothing_is_done() {
    let programs = programs();
    assert!(programs.len() >= 10, "{programs:?}");
    for name in &programs {
        for flag in ["--help", "-h"] {
            let temp_dir = TempDir::new();
            let mut command = script(name);
            marking(&temp_dir, &mut command);
            let output = run(command.arg(flag));
            assert_eq!((output.code, &*output.stderr), (Some(0), ""), "{name} {flag}: {output:?}");
            assert!(output.stdout.contains(&**name), "{name} {flag}: {output:?}");
            let end = output.stdout.trim_end().lines().last().unwrap_or_default();
            assert!(!end.ends_with(','), "{name}: help ends within a sentence: {end}");
            assert!(!temp_dir.0.join("mark").exists(), "{name} {flag} builds or installs");
            assert!(!temp_dir.0.join("target").exists(), "{name} {flag} makes a folder");
        }
    }
}

#[test]
fn a_command_of_a_script_has_help_too() {
    for name in ["start", "stop", "kill", "restart", "status", "logs", "clean", "trial"] {
        let temp_dir = TempDir::new();
        let mut command = script("cluster");
        marking(&temp_dir, &mut command);
        let output = run(command.args([name, "--help"]));
        assert_eq!(output.code, Some(0), "{output:?}");
        assert!(output.stdout.contains("scripts/cluster start"), "{output:?}");
        assert_eq!(fs::read_dir(&temp_dir.0).unwrap().count(), 4, "nothing was made by {name}");
    }
}

#[test]
fn an_unknown_flag_is_exit_status_2_and_a_reason() {
    for name in programs() {
        let temp_dir = TempDir::new();
        let mut command = script(&name);
        marking(&temp_dir, &mut command);
        let output = run(command.arg("--no-such-flag"));
        assert_eq!((output.code, &*output.stdout), (Some(2), ""), "{name}: {output:?}");
        assert!(output.stderr.contains(&*name), "{name} names itself: {output:?}");
        assert!(!temp_dir.0.join("mark").exists(), "{name} builds or installs");
    }
    for arguments in [&["kv", "bogus"][..], &["market", "bogus"], &["rpc", "--bogus"], &["bogus"]] {
        let output = run(script("bench").args(arguments));
        assert_eq!(output.code, Some(2), "{arguments:?}: {output:?}");
        assert!(output.stderr.contains("bogus"), "{arguments:?}: {output:?}");
    }
}
