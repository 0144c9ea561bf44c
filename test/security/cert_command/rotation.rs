//! Rotation of the authority.

use super::{FOLDERS, GROUP, Place};

/// Whether the folder's certificate is accepted by what another folder trusts.
fn accepts(place: &Place, by: &str, certificate: &str) -> bool {
    place.run("openssl", &format!("verify -CAfile {by}/ca.pem {certificate}/cert.pem")).code == 0
}

#[test]
fn old_and_new_certificates_are_accepted_until_the_old_authority_is_dropped() {
    let place = Place::new();
    place.cert_ok(GROUP);
    // As the hosts have it before anything is copied again.
    place.run("cp", "-r certs before");
    let said = place.cert_ok("init --rotate");
    assert!(said.contains("2 authorities are in certs/ca.pem and in 8 folders"), "{said}");
    place.run("cp", "-r certs between");
    for folder in FOLDERS {
        let (old, new) = (format!("before/{folder}"), format!("certs/{folder}"));
        assert!(accepts(&place, &old, &new) && accepts(&place, &new, &old), "{folder}");
    }
    let said = place.cert_fails(1, "init --drop-old");
    assert!(said.contains("not of the newest authority"), "{said}");

    place.cert_ok("--renew");
    for folder in FOLDERS {
        let (old, between) = (format!("before/{folder}"), format!("between/{folder}"));
        let new = format!("certs/{folder}");
        // Whoever has got the new ca.pem accepts both; whoever has not must get it first.
        assert!(accepts(&place, &between, &new) && accepts(&place, &new, &between), "{folder}");
        assert!(!accepts(&place, &old, &new), "{folder}");
    }
    place.cert_ok("client carol");
    let said = place.cert_ok("init --drop-old");
    assert!(
        said.contains("certs/ca.pem and 9 folders trust the newest authority alone, 1 dropped")
    );
    for folder in FOLDERS {
        let (old, new) = (format!("before/{folder}"), format!("certs/{folder}"));
        assert!(accepts(&place, "certs", &new) && !accepts(&place, &new, &old), "{folder}");
    }
    place.cert_ok("show");
    place.cert_ok("--renew");
}

#[test]
fn an_authority_of_openssl_takes_over() {
    let place = Place::new();
    place.cert_ok("--nodes 0=10.0.0.1 --clients alice");
    place.openssl("req -x509 -newkey ed25519 -nodes -keyout own.key -out own.pem -subj /CN=own");
    let flags = "--ca own.pem --ca-key own.key";
    place.cert_ok(&format!("init --rotate {flags}"));
    assert!(!place.path("certs/ca.key").exists(), "the old key would sign as the old authority");
    place.cert_ok(&format!("--renew {flags}"));
    place.cert_ok(&format!("init --drop-old {flags}"));
    place.openssl("verify -CAfile own.pem certs/node-0/cert.pem certs/client-alice/cert.pem");
    place.cert_ok("show");
}

#[test]
fn a_new_authority_at_once_ends_the_old_certificates() {
    let place = Place::new();
    place.cert_ok("--nodes 0=10.0.0.1 --clients alice,thief");
    place.run("cp", "-r certs/client-thief stolen");
    place.run("rm", "-r certs/client-thief");
    place.cert_ok("init --force");
    place.cert_ok("--renew");
    place.cert_ok("show");
    assert!(!accepts(&place, "certs/node-0", "stolen"));
    assert!(accepts(&place, "certs/node-0", "certs/client-alice"));
}
