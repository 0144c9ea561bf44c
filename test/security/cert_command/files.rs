//! Files: their modes, planted links, and other users.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::process::Command;

use super::{GROUP, Place};
use crate::process::{AGORA, CommandOutput};

#[test]
fn modes_do_not_depend_on_the_umask() {
    for umask in ["000", "077", "777"] {
        let place = Place::new();
        let script = format!("umask {umask}; exec {AGORA} cert {GROUP}");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(place.path("."));
        let output = CommandOutput::of(command.output().unwrap());
        assert_eq!(output.code, 0, "umask {umask}: {}", output.stderr);
        for (name, (mode, content)) in place.contents("certs") {
            let wanted = match name.rsplit('/').next().unwrap() {
                "ca.key" | "key.pem" => 0o600,
                "ca.pem" | "cert.pem" => 0o644,
                _ => 0o700,
            };
            assert_eq!(mode, wanted, "umask {umask}: {name} has mode {mode:o}");
            assert!(mode == 0o700 || content.starts_with(b"-----BEGIN "), "{name}");
        }
    }
}

#[test]
fn planted_symbolic_links_lead_nowhere() {
    let place = Place::new();
    fs::create_dir(place.path("outside")).unwrap();
    fs::write(place.path("outside/victim"), "safe").unwrap();
    symlink("outside", place.path("certs")).unwrap();
    for dir in ["certs", "certs/", "certs/."] {
        let said = place.cert_fails(1, &format!("--dir {dir} {GROUP}"));
        assert!(said.contains("certs: a symbolic link"), "{said}");
    }
    fs::remove_file(place.path("certs")).unwrap();

    place.cert_ok(GROUP);
    symlink("../outside", place.path("certs/node-7")).unwrap();
    for line in ["node 7=10.0.0.7", "node 7=10.0.0.7 --force", "--renew"] {
        let said = place.cert_fails(1, line);
        assert!(said.contains("certs/node-7: a symbolic link"), "{line}: {said}");
    }
    fs::remove_file(place.path("certs/node-7")).unwrap();

    for name in [".node-8.new", "node-0/.cert.pem.new"] {
        symlink(place.path("outside"), place.path("certs").join(name)).unwrap();
    }
    symlink(place.path("outside/victim"), place.path("certs/node-0/.key.pem.new")).unwrap();
    place.cert_ok("node 8=10.0.0.8");
    place.cert_ok("node 0=10.0.0.1 --force");
    fs::remove_file(place.path("certs/node-1/cert.pem")).unwrap();
    symlink(place.path("outside/victim"), place.path("certs/node-1/cert.pem")).unwrap();
    let said = place.cert_fails(1, "--nodes 1=10.0.0.2");
    assert!(said.contains("cert.pem: a symbolic link"), "{said}");
    place.cert_ok("--nodes 1=10.0.0.2 --force");

    let outside = place.contents("outside");
    assert_eq!(outside.len(), 2, "{:?}", outside.keys());
    assert_eq!(outside["outside/victim"].1, b"safe");
    place.cert_ok("show");
}

#[test]
fn folders_and_keys_that_others_control_are_refused() {
    let place = Place::new();
    place.cert_ok(GROUP);
    let before = place.contents("certs/node-0");
    let set_mode = |name: &str, mode| {
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    set_mode("certs", 0o777);
    let said = place.cert_fails(1, "client carol");
    assert!(said.contains("certs: others may write to it (mode 777): chmod go-w"), "{said}");
    set_mode("certs", 0o700);
    set_mode("certs/ca.key", 0o640);
    let said = place.cert_fails(1, "client carol");
    assert!(said.contains("certs/ca.key: others can read this private key: chmod 600"), "{said}");
    set_mode("certs/ca.key", 0o600);
    // Only root can give folders away.
    if chown(place.path("certs/node-0"), Some(12_345), None).is_ok() {
        let said = place.cert_fails(1, "node 0=10.0.0.1 --force");
        assert!(said.contains("certs/node-0: belongs to another user"), "{said}");
        chown(place.path("certs/node-0"), Some(0), None).unwrap();
        chown(place.path("certs"), Some(12_345), None).unwrap();
        let said = place.cert_fails(1, "client carol");
        assert!(said.contains("certs: belongs to another user"), "{said}");
        chown(place.path("certs"), Some(0), None).unwrap();
    }
    assert_eq!(place.contents("certs/node-0"), before);
    place.cert_ok("client carol");
}
