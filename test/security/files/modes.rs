//! The modes of everything that a node, a market, a worker, a master and a client create.

use super::*;

/// All files and directories below one, with their modes; the output of the test's own processes
/// left out.
fn tree(root: &Path) -> Vec<(PathBuf, u32, bool)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let is_directory = path.is_dir();
        found.push((path.clone(), mode(&path), is_directory));
        if is_directory {
            found.extend(tree(&path));
        }
    }
    found
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    for umask in [0o000, 0o077, 0o022] {
        let Some(scene) = Scene::new() else { return };
        let points = scene.path("points.txt");
        let lines: String = (0..200).map(|x| format!("{},{}\n", x % 17, x % 5)).collect();
        fs::write(&points, lines).unwrap();
        let node = scene.serve(scene.node(umask).args(["--snapshot-entries", "3"]));
        let peers = format!("0={}", node.address);
        for value in 0..9 {
            let set = ["kv", "--peers", &peers, "set", "k", &value.to_string()];
            scene.succeeds(&mut scene.agora(umask, &set));
        }
        poll_until("a snapshot", LONG, || scene.path("logs/node_0/snapshot.txt").exists());
        let address = free_address().to_string();
        let market = ["market", "--listen", &address, "--data", "a/market"];
        let market = scene.serve(&mut scene.agora(umask, &market));
        let seller = ["seller", "--market", &market.address, "--as", "asha", "items"];
        let mut seller = scene.agora(umask, &seller);
        // Registers, and then shows no items.
        seller.env("AGORA_HOME", scene.path("home/agora")).output().unwrap();
        let count = ["wordcount", "--maps", "2", "--reduces", "2", "--data", "b/Data"];
        scene.succeeds(scene.agora(umask, &count).arg("points.txt"));
        let kmeans = ["kmeans", "-k", "3", "--maps", "2", "--reduces", "2", "--data", "Points"];
        scene.succeeds(scene.agora(umask, &kmeans).args([
            "--plot",
            "plot.svg",
            "--input",
            "points.txt",
        ]));
        drop((node, market));

        let found = tree(&scene.root);
        let has = |name: &str| found.iter().any(|(path, ..)| path.ends_with(name));
        for name in [
            "logs/node_0/metadata.txt",
            "logs/node_0/snapshot.txt",
            "logs/node_0/dump.txt",
            "logs/node_0/reserve.txt",
            "a/market/logs.txt",
            "home/agora/asha.uuid",
            "b/Data/output.txt",
            "b/Data/job.lock",
            "Points/Mappers/M1/partition_1.txt",
            "Points/centroids.txt",
            "plot.svg",
        ] {
            assert!(has(name), "{name} is missing from {found:?}");
        }
        for (path, mode, is_directory) in found {
            let name = path.strip_prefix(&scene.root).unwrap().to_string_lossy().into_owned();
            let is_of_test =
                name.starts_with("output-") || ["victim", "points.txt"].contains(&&*name);
            let expected = match is_directory {
                _ if is_of_test => continue,
                true if name.starts_with("home") => 0o700,
                true => 0o750,
                false if name.ends_with(".uuid") => 0o600,
                false => 0o640,
            };
            assert_eq!(
                mode, expected,
                "umask {umask:03o}: {name} is {mode:04o}, not {expected:04o}"
            );
        }
    }
}

#[test]
fn files_of_the_version_before_are_tightened_at_the_start() {
    let Some(scene) = Scene::new() else { return };
    drop(scene.serve(&mut scene.node(0o022)));
    let directory = scene.path("logs/node_0");
    for (path, ..) in tree(&directory) {
        fs::set_permissions(path, Permissions::from_mode(0o666)).unwrap();
    }
    fs::set_permissions(directory.join("reserve.txt"), Permissions::from_mode(0o600)).unwrap();
    let node = scene.serve(&mut scene.node(0o022));
    for name in ["logs.txt", "metadata.txt"] {
        assert_eq!(mode(&directory.join(name)), 0o640, "{name}");
    }
    assert_eq!(mode(&directory.join("reserve.txt")), 0o600, "an operator's choice stays");
    assert!(node.stderr().contains("logs.txt: mode 0666 is changed to 0640"), "{}", node.stderr());
}

#[test]
fn an_identity_that_others_can_read_is_refused() {
    let Some(scene) = Scene::new() else { return };
    let home = scene.directory("home", 0, 0o755);
    let address = free_address().to_string();
    let market = ["market", "--listen", &address, "--data", "market"];
    let market = scene.serve(&mut scene.agora(0o022, &market));
    let seller = || {
        let words = ["seller", "--market", &market.address, "--as", "asha", "items"];
        let mut command = scene.agora(0o022, &words);
        command.env("AGORA_HOME", &home);
        command
    };
    seller().output().unwrap();
    let file = home.join("asha.uuid");
    let secret = fs::read_to_string(&file).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let stderr = scene.refused(&mut seller());
    assert!(stderr.contains("asha.uuid: others may open it (mode 644)"), "{stderr}");
    assert!(!stderr.contains(secret.trim()), "{stderr}");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    // Planted by another user, who knows the secret in it.
    chown(&file, Some(ATTACKER), None).unwrap();
    let stderr = scene.refused(&mut seller());
    assert!(stderr.contains("asha.uuid: not a plain file of this user"), "{stderr}");
}
