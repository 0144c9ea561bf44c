//! Authorities that openssl has made.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};

use super::Place;

/// Makes an authority: a key by `genpkey`, and its certificate, `NAME.pem` and `NAME.key`.
fn authority(place: &Place, name: &str, key: &str, request: &str) {
    place.openssl(&format!("genpkey {key} -out {name}.key"));
    certify(place, name, request);
}

fn certify(place: &Place, name: &str, request: &str) {
    let file = place.path(&format!("{name}.key"));
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    place.openssl(&format!("req -x509 -new -key {name}.key -out {name}.pem -days 30 {request}"));
}

const EC: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";

#[test]
fn authorities_of_openssl_sign_with_keys_of_all_kinds() {
    let place = Place::new();
    let name = "-utf8 -subj /C=AT/O=M\u{fc}ller/CN=own/emailAddress=a@b.example";
    authority(&place, "p256", EC, name);
    authority(&place, "p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "-subj /CN=p384");
    authority(&place, "rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "-subj /CN=rsa");
    authority(&place, "ed25519", "-algorithm ed25519", "-subj /CN=ed");
    place.openssl("ecparam -name prime256v1 -genkey -out sec1.key");
    certify(&place, "sec1", "-subj /CN=sec1");
    place.openssl("genrsa -traditional -out pkcs1.key 2048");
    certify(&place, "pkcs1", "-subj /CN=pkcs1");
    for name in ["p256", "p384", "rsa", "ed25519", "sec1", "pkcs1"] {
        let flags = format!("--dir {name}.d --ca {name}.pem --ca-key {name}.key");
        place.cert_ok(&format!("{flags} --nodes 0=10.0.0.1 --clients alice"));
        for (folder, purpose) in [("node-0", "sslserver"), ("client-alice", "sslclient")] {
            place.openssl(&format!(
                "verify -CAfile {name}.pem -purpose {purpose} {name}.d/{folder}/cert.pem"
            ));
        }
        assert_eq!(fs::read(place.path(&format!("{name}.d/node-0/ca.pem"))).unwrap(), {
            fs::read(place.path(&format!("{name}.pem"))).unwrap()
        });
        assert!(!place.path(&format!("{name}.d/ca.key")).exists());
        place.cert_ok(&format!("show {name}.d"));
        let said = place.cert_fails(1, &format!("client bob --dir {name}.d"));
        assert!(said.contains("ca.key: missing: say where the authority's key is"), "{said}");
        place.cert_ok(&format!("client bob {flags}"));
    }
    let said = place.cert_fails(1, "client eve --dir rsa.d --ca p256.pem --ca-key p256.key");
    assert!(said.contains("does not contain the authority of --ca"), "{said}");
}

#[test]
fn what_an_authority_lacks_is_said_in_words() {
    let place = Place::new();
    authority(&place, "plain", EC, "-subj /CN=plain");
    authority(&place, "leaf", EC, "-subj /CN=leaf -addext basicConstraints=CA:FALSE");
    authority(&place, "usage", EC, "-subj /CN=usage -addext keyUsage=digitalSignature");
    authority(&place, "twice", EC, "-subj /OU=a/OU=b/CN=twice");
    authority(&place, "multi", EC, "-subj /OU=a+CN=multi");
    authority(
        &place,
        "names",
        EC,
        "-subj /CN=names -addext nameConstraints=critical,permitted;DNS:example.org",
    );
    authority(&place, "curve", "-algorithm EC -pkeyopt ec_paramgen_curve:P-521", "-subj /CN=curve");
    place.openssl("pkey -in plain.key -aes256 -passout pass:secret -out locked.key");
    place.openssl("pkey -in plain.key -outform der -out der.key");
    place.openssl("x509 -in plain.pem -outform der -out der.pem");
    fs::copy(place.path("plain.key"), place.path("open.key")).unwrap();
    let mode = |name: &str, mode| {
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("locked.key", 0o600);
    mode("der.key", 0o600);
    mode("open.key", 0o644);
    expired(&place);
    for (file, key, reason) in [
        (
            "leaf.pem",
            "leaf.key",
            "leaf.pem: it may not sign certificates: it has no basic constraint CA:TRUE",
        ),
        (
            "usage.pem",
            "usage.key",
            "usage.pem: it may not sign certificates: its key usage lacks keyCertSign",
        ),
        ("expired.pem", "expired.key", "expired.pem: it expired on 2021-01-01"),
        ("plain.pem", "leaf.key", "plain.pem: the private key does not belong to it"),
        ("twice.pem", "twice.key", "twice.pem: its subject has two attributes of one kind"),
        ("multi.pem", "multi.key", "with this authority it would be refused"),
        ("names.pem", "names.key", "with this authority it would be refused"),
        ("curve.pem", "curve.key", "curve.key: a private key of a kind that is not supported"),
        ("plain.pem", "locked.key", "locked.key: an encrypted private key: openssl pkey -in FILE"),
        ("plain.pem", "der.key", "der.key: not PEM (if it is DER: openssl"),
        ("der.pem", "plain.key", "der.pem: not PEM (if it is DER: openssl x509"),
        ("plain.pem", "open.key", "open.key: others can read this private key: chmod 600"),
        ("plain.pem", "plain.pem", "plain.pem: "),
        ("plain.key", "plain.key", "plain.key: no certificate in PEM"),
    ] {
        let line = format!("--ca {file} --ca-key {key} --nodes 0=vm0.example.com");
        let said = place.cert_fails(1, &line);
        assert!(said.contains(reason), "{line}: {said}");
        assert_eq!(place.contents("certs").keys().filter(|name| name.contains('.')).count(), 0);
    }
    place.cert_ok("--ca plain.pem --ca-key plain.key --nodes 0=10.0.0.1");
    // Within the constraint it works.
    place.cert_ok("--dir org --ca names.pem --ca-key names.key --nodes 0=vm0.example.org");
}

/// openssl makes none that has expired.
fn expired(place: &Place) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "expired");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let key = KeyPair::generate().unwrap();
    fs::write(place.path("expired.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(place.path("expired.key"), key.serialize_pem()).unwrap();
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(place.path("expired.key"), mode).unwrap();
}
