//! One-shot commands: identities, wrong words, exit statuses.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::process::{AGORA, Home, Market, Outcome, Traders};

#[test]
fn each_name_has_an_identity_of_its_own() {
    let market = Market::new();
    let (here, there) = (Traders::at(&market.address), Traders::at(&market.address));
    here.good("seller", "asha", &["register"]);
    here.good("seller", "asha", &["sell", "Lamp", "others", "1", "5"]);
    // The same name in another home is another identity.
    assert!(there.refused("seller", "asha", &["delete", "1"]).len() > 5);
    assert!(here.refused("seller", "bruno", &["items"]).len() > 5);
    here.good("seller", "asha", &["delete", "1"]);
}

#[test]
fn an_identity_that_others_may_read_is_not_used() {
    let market = Market::new();
    let traders = Traders::at(&market.address);
    traders.good("seller", "asha", &["register"]);
    let file = traders.home.0.join("asha.uuid");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let said = traders.run("seller", "asha", &["items"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("asha.uuid") && said.stderr.contains("644"), "{said:?}");
    let secret = fs::read_to_string(&file).unwrap();
    assert!(!said.stderr.contains(secret.trim()));
}

#[test]
fn wrong_words_are_told_with_exit_status_2_and_make_no_identity() {
    let home = Home::new();
    let lines: &[&[&str]] = &[
        &["seller"],
        &["seller", "--market", ""],
        &["seller", "--market", "127.0.0.1:1", "fly"],
        &["seller", "--market", "127.0.0.1:1", "--no-such-flag"],
        &["buyer", "--market", "127.0.0.1:1", "--timeout", "0", "search"],
        &["buyer", "--market", "127.0.0.1:1", "--timeout", "1e19", "search"],
        &["buyer", "--market", "127.0.0.1:1", "buy", "1", "--no-such-flag"],
        &["market"],
        &["market", "--listen", "nonsense"],
        &["market", "--listen", "127.0.0.1:0", "extra"],
    ];
    for words in lines {
        let output = Command::new(AGORA).args(*words).env("AGORA_HOME", &home.0).output();
        let said = Outcome::of(output.unwrap());
        assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{words:?}: {said:?}");
        assert!(said.stderr.starts_with("agora: "), "{words:?}: {said:?}");
    }
    assert_eq!(fs::read_dir(&home.0).unwrap().count(), 0);
}

#[test]
fn the_arguments_of_a_command_are_checked_before_the_call() {
    let traders = Traders::at("127.0.0.1:1");
    for (role, words) in [
        ("seller", &["sell", "Lamp"][..]),
        ("seller", &["sell", "Lamp", "things", "1", "5"]),
        ("seller", &["sell", "Lamp", "others", "0", "5"]),
        ("seller", &["sell", "Lamp", "others", "1", "4.999"]),
        ("seller", &["update", "1"]),
        ("seller", &["update", "x", "--price", "1"]),
        ("seller", &["update", "1", "--quantity", "+5"]),
        ("seller", &["sell", "Lamp", "others", "+1", "5"]),
        ("buyer", &["buy", "1", "+2"]),
        ("buyer", &["watch", "--count", "0"]),
        ("buyer", &["buy", "1", "--max-price", "0"]),
        ("buyer", &["buy", "1", "--max-price", "0.00"]),
        ("buyer", &["buy", "one"]),
        ("buyer", &["buy", "1", "-2"]),
        ("buyer", &["rate", "1"]),
        ("buyer", &["search", "--sort", "colour"]),
    ] {
        let said = traders.run(role, "asha", words);
        assert_eq!(said.code, 2, "{words:?}: {said:?}");
    }
}

#[test]
fn help_is_on_stdout_without_a_market() {
    let home = Home::new();
    for words in [&["--help"][..], &["sell", "--help"], &["items", "--help"], &["watch", "-h"]] {
        let mut command = Command::new(AGORA);
        command.arg("seller").args(words).env("AGORA_HOME", &home.0);
        let said = Outcome::of(command.output().unwrap());
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{words:?}: {said:?}");
        assert!(said.stdout.starts_with("Usage: agora seller"), "{said:?}");
    }
    assert_eq!(fs::read_dir(&home.0).unwrap().count(), 0, "help makes no identity");
}

#[test]
fn a_file_of_items_is_sold_line_by_line_and_a_wrong_one_is_named() {
    let market = Market::new();
    let traders = Traders::at(&market.address);
    traders.good("seller", "asha", &["register"]);
    let file = traders.home.0.join("items.tsv");
    let path = file.to_str().unwrap();
    fs::write(&file, "# comment\nLamp\tOTHERS\t2\t5\tBright.\n\nHat\tFASHION\t1\t9.50\t\n")
        .unwrap();
    let said = traders.good("seller", "asha", &["sell", "--file", path]);
    assert_eq!(said, "SUCCESS\nItems: 2\n");
    fs::write(&file, "Lamp\tOTHERS\t2\t5\tBright.\nHat\tHATS\t1\t9\t\n").unwrap();
    let reason = traders.refused("seller", "asha", &["sell", "--file", path]);
    assert!(reason.contains("items.tsv:2: ") && reason.contains("HATS"), "{reason}");
    let items = traders.good("seller", "asha", &["items"]);
    assert_eq!(items.matches("Item ID: ").count(), 2, "nothing of the wrong file is sold: {items}");
}
