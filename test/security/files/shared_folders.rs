//! MapReduce's data directory, and outputs with well-known names in folders that many can write.

use super::*;

fn count(scene: &Scene) -> Command {
    let words = ["wordcount", "--maps", "2", "--reduces", "2", "--data", "Data", "input.txt"];
    scene.agora(0o022, &words)
}

#[test]
fn links_in_a_data_directory_of_mapreduce_are_named_or_removed() {
    let Some(scene) = Scene::new() else { return };
    fs::write(scene.path("input.txt"), "a b a\n").unwrap();
    let elsewhere = scene.directory("elsewhere", 0, 0o755);
    let expect = |what: &str| {
        let stderr = scene.refused(&mut count(&scene));
        assert!(stderr.contains(what), "{what}: {stderr}");
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "{what}");
        scene.check_victim();
    };
    let link = scene.plant("Data", &elsewhere);
    expect("Data is a symbolic link");
    fs::remove_file(link).unwrap();
    scene.directory("Data", ATTACKER, 0o755);
    expect("Data belongs to user 4711");
    scene.directory("Data", 0, 0o1777);
    expect("other users can write into Data (mode 1777)");
    scene.directory("Data", 0, 0o755);
    for name in ["Data/Mappers", "Data/Reducers"] {
        let link = scene.plant(name, &elsewhere);
        expect(&format!("{name} is a symbolic link"));
        fs::remove_file(link).unwrap();
    }
    scene.directory("Data/Mappers", 0, 0o755);
    let link = scene.plant("Data/Mappers/M1", &elsewhere);
    expect("Data/Mappers/M1 is a symbolic link");
    fs::remove_file(link).unwrap();
    for name in ["Data/job.lock", "Data/job.txt", "Data/dump.txt", "Data/output.txt"] {
        let link = scene.plant(name, &scene.victim);
        expect(&format!("{name} is a symbolic link"));
        let _ = fs::remove_file(link);
    }
    // Files of an earlier job are removed, and so are links with their names.
    scene.directory("Data/Mappers/M1", 0, 0o755);
    scene.directory("Data/Reducers", 0, 0o755);
    for name in ["Mappers/M1/partition_1.txt", "Reducers/R1.txt", "Reducers/.R1.txt.attempt_1"] {
        scene.plant(&format!("Data/{name}"), &scene.victim);
    }
    scene.succeeds(&mut count(&scene));
    scene.check_victim();
    assert_eq!(fs::read_to_string(scene.path("Data/output.txt")).unwrap(), "a\t2\nb\t1\n");
}

#[test]
fn a_worker_does_not_follow_links_in_its_data_directory() {
    let Some(scene) = Scene::new() else { return };
    fs::write(scene.path("input.txt"), "a b a\n").unwrap();
    let elsewhere = scene.directory("elsewhere", 0, 0o755);
    let worker = |kind: &str| {
        let address = free_address().to_string();
        scene.serve(&mut scene.agora(0o022, &[kind, "--listen", &address, "--data", "Worker"]))
    };
    let (mapper, reducer) = (worker("mapper"), worker("reducer"));
    let count = || {
        let mut command = scene.agora(0o022, &["wordcount", "--data", "Master", "input.txt"]);
        command.args(["--mappers", &mapper.address, "--reducers", &reducer.address]);
        command
    };
    scene.directory("Worker", 0, 0o755);
    let link = scene.plant("Worker/Mappers", &elsewhere);
    let stderr = scene.refused(&mut count());
    assert!(stderr.contains("Worker/Mappers is a symbolic link"), "{stderr}");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    fs::remove_file(link).unwrap();
    scene.succeeds(&mut count());
}

#[test]
fn a_planted_name_in_a_shared_folder_leads_no_output_astray() {
    let Some(scene) = Scene::new() else { return };
    fs::write(scene.path("points.txt"), "1,2\n3,4\n5,9\n").unwrap();
    scene.directory("shared", 0, 0o1777);
    let plot = |target: &str| {
        scene.agora(
            0o022,
            &["kmeans", "-k", "2", "--data", "Data", "--plot", target, "--input", "points.txt"],
        )
    };
    let link = scene.plant("shared/plot.svg", &scene.victim);
    let stderr = scene.refused(&mut plot("shared/plot.svg"));
    assert!(stderr.contains("shared/plot.svg is a symbolic link"), "{stderr}");
    fs::remove_file(link).unwrap();
    // A pipe of the attacker would carry the result away; nobody may wait for its reader either.
    let pipe = scene.path("shared/out.txt");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    chown(&pipe, Some(ATTACKER), None).unwrap();
    let words = ["wordcount", "--data", "Words", "--output", "shared/out.txt", "points.txt"];
    let stderr = scene.refused(&mut scene.agora(0o022, &words));
    assert!(stderr.contains("out.txt belongs to user 4711"), "{stderr}");
    scene.check_victim();
    // The counterparts.
    scene.succeeds(&mut plot("shared/plot.svg"));
    assert_eq!(mode(&scene.path("shared/plot.svg")), 0o640);
    let words = ["wordcount", "--data", "Words", "--output", "/dev/stdout", "points.txt"];
    assert!(scene.succeeds(&mut scene.agora(0o022, &words)).contains("1,2\t1"));
}
