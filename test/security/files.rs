//! Files and directories that another user of the machine has prepared, and modes whatever the umask
//! is. Each attack names what it would have reached: a victim's file, which must stay as it was.
//!
//! The attacker is another user, so these tests run as root; elsewhere they say so and do nothing.

mod modes;
mod planted;
mod shared_folders;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use crate::free_address::free_address;
use crate::wait::poll_until;

const AGORA: &str = env!("CARGO_BIN_EXE_agora");
const LONG: Duration = Duration::from_secs(60);
/// The user that plants files.
const ATTACKER: u32 = 4711;
/// A user that runs nodes.
const OPERATOR: u32 = 4712;
const UNHARMED: &str = "unharmed\n";

/// A folder that is removed at the end of the test, with the file of a victim.
struct Scene {
    root: PathBuf,
    victim: PathBuf,
}

impl Scene {
    /// `None`: this process may not act as another user.
    fn new() -> Option<Scene> {
        static COUNT: AtomicU16 = AtomicU16::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("agora-security-files-{}-{number}", std::process::id());
        let root = std::env::temp_dir().join(name);
        fs::create_dir(&root).unwrap();
        fs::set_permissions(&root, Permissions::from_mode(0o755)).unwrap();
        let scene = Scene { victim: root.join("victim"), root };
        fs::write(&scene.victim, UNHARMED).unwrap();
        let is_root = fs::metadata(&scene.victim).unwrap().uid() == 0;
        if !is_root {
            eprintln!("not run: another user is needed, so this test runs as root");
        }
        is_root.then_some(scene)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn directory(&self, name: &str, owner: u32, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        chown(&path, Some(owner), Some(owner)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    /// A link of the attacker.
    fn plant(&self, name: &str, target: &Path) -> PathBuf {
        let path = self.path(name);
        symlink(target, &path).unwrap();
        lchown(&path, Some(ATTACKER), Some(ATTACKER)).unwrap();
        path
    }

    #[track_caller]
    fn check_victim(&self) {
        let metadata = fs::symlink_metadata(&self.victim).unwrap();
        assert_eq!(metadata.mode() & 0o7777, 0o644, "the victim's mode");
        assert_eq!(fs::read_to_string(&self.victim).unwrap(), UNHARMED);
    }

    /// A command in this folder, under a umask.
    fn agora(&self, umask: u32, arguments: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        let script = format!("umask {umask:03o}; exec \"$0\" \"$@\"");
        command.args(["--pdeathsig", "KILL", "sh", "-c", &script, AGORA]).args(arguments);
        command.current_dir(&self.root).stdin(Stdio::null());
        command
    }

    /// Runs a command that must fail, and returns its stderr.
    #[track_caller]
    fn refused(&self, command: &mut Command) -> String {
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{stdout}{stderr}");
        stderr
    }

    #[track_caller]
    fn succeeds(&self, command: &mut Command) -> String {
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A single node of a store in `logs/node_0`.
    fn node(&self, umask: u32) -> Command {
        let peers = format!("0={}", free_address());
        self.agora(umask, &["node", "--id", "0", "--peers", &peers, "--dump", "all"])
    }

    /// Starts a server, and waits until it serves. Returns its address.
    #[track_caller]
    fn serve(&self, command: &mut Command) -> Serving {
        static COUNT: AtomicU16 = AtomicU16::new(0);
        let output = self.path(&format!("output-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let (stdout, stderr) = (output.with_extension("out"), output.with_extension("err"));
        command.stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap());
        let mut child = command.spawn().unwrap();
        let mut address = None;
        poll_until("it listens", LONG, || {
            let text = fs::read_to_string(&stdout).unwrap();
            let line = text.lines().find_map(|line| line.split_once("listening on "));
            address = line.map(|(_, address)| address.trim().to_owned());
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "{}", fs::read_to_string(&stderr).unwrap());
            address.is_some()
        });
        Serving { child, address: address.unwrap(), stderr }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// A server, killed when dropped.
struct Serving {
    child: Child,
    address: String,
    stderr: PathBuf,
}

impl Serving {
    fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

/// Makes a command run as another user.
fn run_as(command: &mut Command, user: u32) -> &mut Command {
    command.uid(user).gid(user)
}
