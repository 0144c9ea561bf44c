//! `--help` prints help and does nothing else; what is unknown is wrong usage.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::{Home, root, run, script};

/// Everything in `scripts/` that can be run.
fn programs() -> Vec<String> {
    let entries = fs::read_dir(root().join("scripts")).unwrap().map(|entry| entry.unwrap());
    let can_run = |entry: &fs::DirEntry| {
        let metadata = entry.metadata().unwrap();
        metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
    };
    entries.filter(can_run).map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// A path on which programs that build and install only leave a mark in the folder.
fn marking(home: &Home, command: &mut Command) {
    for name in ["cargo", "apt-get", "npm", "pip"] {
        home.program(name, "#!/bin/sh\ntouch \"$(dirname \"$0\")/mark\"\nexit 1\n");
    }
    let path = format!("{}:{}", home.0.display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("CARGO_TARGET_DIR", home.0.join("target"));
    command.env_remove("AGORA").env("AGORA_CLUSTER", home.0.join("cluster"));
}

#[test]
fn help_is_printed_and_nothing_is_done() {
    let programs = programs();
    assert!(programs.len() >= 10, "{programs:?}");
    for name in &programs {
        for flag in ["--help", "-h"] {
            let home = Home::new();
            let mut command = script(name);
            marking(&home, &mut command);
            let said = run(command.arg(flag));
            assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{name} {flag}: {said:?}");
            assert!(said.stdout.contains(&**name), "{name} {flag}: {said:?}");
            let end = said.stdout.trim_end().lines().last().unwrap_or_default();
            assert!(!end.ends_with(','), "{name}: help ends within a sentence: {end}");
            assert!(!home.0.join("mark").exists(), "{name} {flag} builds or installs");
            assert!(!home.0.join("target").exists(), "{name} {flag} makes a folder");
        }
    }
}

#[test]
fn a_command_of_a_script_has_help_too() {
    for name in ["start", "stop", "kill", "restart", "status", "logs", "clean", "trial"] {
        let home = Home::new();
        let mut command = script("cluster");
        marking(&home, &mut command);
        let said = run(command.args([name, "--help"]));
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.stdout.contains("scripts/cluster start"), "{said:?}");
        assert_eq!(fs::read_dir(&home.0).unwrap().count(), 4, "nothing was made by {name}");
    }
}

#[test]
fn an_unknown_flag_is_exit_status_2_and_a_reason() {
    for name in programs() {
        let home = Home::new();
        let mut command = script(&name);
        marking(&home, &mut command);
        let said = run(command.arg("--no-such-flag"));
        assert_eq!((said.code, &*said.stdout), (Some(2), ""), "{name}: {said:?}");
        assert!(said.stderr.contains(&*name), "{name} says who: {said:?}");
        assert!(!home.0.join("mark").exists(), "{name} builds or installs");
    }
    for arguments in [&["kv", "bogus"][..], &["market", "bogus"], &["rpc", "--bogus"], &["bogus"]] {
        let said = run(script("bench").args(arguments));
        assert_eq!(said.code, Some(2), "{arguments:?}: {said:?}");
        assert!(said.stderr.contains("bogus"), "{arguments:?}: {said:?}");
    }
}
