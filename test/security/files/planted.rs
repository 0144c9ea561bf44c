//! Links, pipes and foreign directories in place of the files of a node.

use super::*;

/// Everything that a node opens by name.
const NAMES: [&str; 11] = [
    "metadata.txt",
    "logs.txt",
    "snapshot.txt",
    "reserve.txt",
    "dump.txt",
    "dump.1.txt",
    "metadata.txt.tmp",
    "logs.txt.tmp",
    "snapshot.txt.tmp",
    "snapshot.txt.incoming-1",
    "logs.txt.tmp-1",
];

#[test]
fn a_link_in_place_of_a_file_of_a_node_is_named_and_not_followed() {
    let Some(scene) = Scene::new() else { return };
    let node = scene.serve(&mut scene.node(0o022));
    scene.succeeds(
        &mut scene
            .agora(0o022, &["kv", "--peers", &format!("0={}", node.address), "set", "k", "v"]),
    );
    drop(node);
    let directory = scene.path("logs/node_0");
    for name in NAMES {
        let (path, aside) = (directory.join(name), scene.path("aside"));
        let is_there = fs::rename(&path, &aside).is_ok();
        for target in [&scene.victim, &scene.path("created")] {
            let link = scene.plant(&format!("logs/node_0/{name}"), target);
            let stderr = scene.refused(&mut scene.node(0o022));
            let expected = format!("logs/node_0/{name} is a symbolic link");
            assert!(stderr.contains(&expected), "{stderr}");
            let check = scene.refused(&mut scene.agora(0o022, &["check", "logs/node_0"]));
            assert!(check.contains(&expected), "{check}");
            fs::remove_file(link).unwrap();
        }
        // A pipe would be waited for, a second name shows what is written elsewhere.
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let stderr = scene.refused(&mut scene.node(0o022));
        assert!(stderr.contains(&format!("{name} is not a regular file")), "{stderr}");
        fs::remove_file(&path).unwrap();
        fs::hard_link(&scene.victim, &path).unwrap();
        let stderr = scene.refused(&mut scene.node(0o022));
        assert!(stderr.contains(&format!("{name} has another name")), "{stderr}");
        fs::remove_file(&path).unwrap();
        // A file of another user, with contents of that user's choice.
        fs::write(&path, "").unwrap();
        chown(&path, Some(ATTACKER), None).unwrap();
        let stderr = scene.refused(&mut scene.node(0o022));
        assert!(stderr.contains(&format!("{name} belongs to user {ATTACKER}")), "{stderr}");
        fs::remove_file(&path).unwrap();
        if is_there {
            fs::rename(&aside, &path).unwrap();
        }
    }
    scene.check_victim();
    assert!(!scene.path("created").exists());
    // The counterpart: without a planted file the same node serves the same value.
    let node = scene.serve(&mut scene.node(0o022));
    let peers = format!("0={}", node.address);
    assert_eq!(
        scene.succeeds(&mut scene.agora(0o022, &["kv", "--peers", &peers, "get", "k"])),
        "v\n"
    );
    drop(node);
    assert!(scene.succeeds(&mut scene.agora(0o022, &["check", "logs/node_0"])).ends_with("good\n"));
}

#[test]
fn a_directory_that_another_user_prepared_is_refused() {
    let Some(scene) = Scene::new() else { return };
    let elsewhere = scene.directory("elsewhere", 0, 0o755);
    let expect = |what: &str| {
        let stderr = scene.refused(&mut scene.node(0o022));
        assert!(stderr.contains(what), "{what}: {stderr}");
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "{what}");
    };
    let link = scene.plant("logs", &elsewhere);
    expect("logs is a symbolic link");
    fs::remove_file(link).unwrap();
    let logs = scene.directory("logs", ATTACKER, 0o755);
    expect("logs belongs to user 4711, and this process runs as user 0");
    fs::remove_dir(&logs).unwrap();
    scene.directory("logs", 0, 0o1777);
    expect("other users can write into logs (mode 1777)");
    scene.directory("logs", 0, 0o755);
    let link = scene.plant("logs/node_0", &elsewhere);
    expect("logs/node_0 is a symbolic link");
    fs::remove_file(link).unwrap();
    let node = scene.directory("logs/node_0", ATTACKER, 0o750);
    expect("logs/node_0 belongs to user 4711");
    assert_eq!((fs::read_dir(&node).unwrap().count(), mode(&node)), (0, 0o750));
    scene.directory("logs/node_0", 0, 0o777);
    expect("other users can write into logs/node_0 (mode 0777)");
    scene.directory("logs/node_0", 0, 0o775);
    // The counterpart: the user's own directory, whose mode is corrected.
    let serving = scene.serve(&mut scene.node(0o022));
    assert_eq!(mode(&node), 0o750);
    assert!(serving.stderr().contains("mode 0775 is changed to 0750"), "{}", serving.stderr());
}

#[test]
fn a_market_refuses_what_a_node_refuses() {
    let Some(scene) = Scene::new() else { return };
    let address = free_address().to_string();
    let market = || scene.agora(0o022, &["market", "--listen", &address, "--data", "market"]);
    let directory = scene.directory("market", 0, 0o755);
    let link = scene.plant("market/metadata.txt", &scene.victim);
    let stderr = scene.refused(&mut market());
    assert!(stderr.contains("market/metadata.txt is a symbolic link"), "{stderr}");
    fs::remove_file(link).unwrap();
    chown(&directory, Some(ATTACKER), None).unwrap();
    let stderr = scene.refused(&mut market());
    assert!(stderr.contains("market belongs to user 4711"), "{stderr}");
    assert!(stderr.contains("chown -R 0 market"), "it names the command: {stderr}");
    chown(&directory, Some(0), None).unwrap();
    drop(scene.serve(&mut market()));
    scene.check_victim();
}

#[test]
fn a_node_of_an_unprivileged_user_keeps_to_its_own_directory() {
    let Some(scene) = Scene::new() else { return };
    scene.directory("logs", 0, 0o755);
    scene.directory("logs/node_0", 0, 0o755);
    let stderr = scene.refused(run_as(&mut scene.node(0o022), OPERATOR));
    assert!(stderr.contains("logs/node_0 belongs to user 0"), "{stderr}");
    scene.directory("logs/node_0", OPERATOR, 0o755);
    // A link of root's may lead to the directory: the path is the operator's.
    fs::rename(scene.path("logs"), scene.path("disk")).unwrap();
    symlink(scene.path("disk"), scene.path("logs")).unwrap();
    let node = scene.serve(run_as(&mut scene.node(0o022), OPERATOR));
    let peers = format!("0={}", node.address);
    scene.succeeds(&mut scene.agora(0o022, &["kv", "--peers", &peers, "set", "k", "v"]));
    assert_eq!(fs::metadata(scene.path("disk/node_0/logs.txt")).unwrap().uid(), OPERATOR);
}

#[test]
fn check_reports_owners_modes_and_links_and_changes_nothing() {
    let Some(scene) = Scene::new() else { return };
    drop(scene.serve(&mut scene.node(0o022)));
    let directory = scene.path("logs/node_0");
    let check = || scene.refused(&mut scene.agora(0o022, &["check", "logs/node_0"]));
    fs::set_permissions(directory.join("logs.txt"), Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&directory, Permissions::from_mode(0o755)).unwrap();
    // The next start corrects modes.
    let stdout = scene.succeeds(&mut scene.agora(0o022, &["check", "logs/node_0"]));
    assert!(stdout.contains("logs/node_0 has mode 0755, not 0750"), "{stdout}");
    assert!(stdout.contains("logs/node_0/logs.txt has mode 0644, not 0640"), "{stdout}");
    chown(directory.join("metadata.txt"), Some(ATTACKER), None).unwrap();
    let stderr = check();
    let what = "logs/node_0/metadata.txt belongs to user 4711, and the directory to user 0";
    assert!(stderr.contains(what), "{stderr}");
    fs::set_permissions(&directory, Permissions::from_mode(0o757)).unwrap();
    assert!(check().contains("other users can write into logs/node_0 (mode 0757)"));
    assert_eq!(mode(&directory.join("logs.txt")), 0o644, "nothing was changed");
}
